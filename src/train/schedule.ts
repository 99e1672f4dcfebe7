/** Falls from 1 at epoch 0 to 0 at the end, as nnU-Net's learning rate does (Chen et al. 2018). */
export const polynomialDecay = (epoch: number, epochs: number): number =>
  (1 - epoch / epochs) ** 0.9;
