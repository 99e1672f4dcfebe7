import type { association } from 'dcmjs-dimse';
import { Scp } from '../../src/gateway/dimse.js';

/** A peer that takes every association, with the first transfer syntax of each context that it is offered. */
export class AcceptingScp extends Scp {
  override associationRequested(association: association.Association): void {
    for (const { context } of association.getPresentationContexts()) {
      context.setResult(0, context.getTransferSyntaxUids()[0]);
    }
    this.sendAssociationAccept();
  }
  override associationReleaseRequested(): void {
    this.sendAssociationReleaseResponse();
  }
}
