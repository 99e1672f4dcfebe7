import { describe, expect, it } from 'vitest';
import { deliveredTo, send, startGateway, withoutDcmtk, writeStudy } from '../support/gateway.js';

describe.skipIf(withoutDcmtk)(
  `a gateway${withoutDcmtk ? ` (skipped: ${withoutDcmtk})` : ''}`,
  () => {
    it('analyses a study that dcmtk sends, once it is quiet, and delivers it', async () => {
      const gateway = await startGateway();
      await send(gateway.port, writeStudy(gateway.at('study'), { study: '1.2.3' }));
      const status = await gateway.until(
        'delivered',
        ({ deliveries }) => deliveries.delivered === 1,
      );
      expect(status.last).toMatchObject([{ state: 'done', version: 1, images: 3 }]);
      expect(deliveredTo(gateway.at('out'))).toMatchObject([{ studyVersion: 1, images: 3 }]);
    });
  },
);
