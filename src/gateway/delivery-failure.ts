/** Why a destination does not have a result: it is tried again, since all of this may pass. */
export class DeliveryFailure extends Error {
  override readonly name = 'DeliveryFailure';
}
