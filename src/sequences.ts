/** The sequences that an exam can have; its FLAIR is always there. */
export const sequenceNames = ['flair', 't2', 't1'] as const;
export type SequenceName = (typeof sequenceNames)[number];
