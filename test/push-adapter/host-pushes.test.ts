import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { VmStatus } from '../../src/model/index.js';
import { HostPushes } from '../../src/push-adapter/host-pushes.js';
import { polled, vmStats } from '../support/entities.js';

const ids = ['v1', 'v2', 'v3'];
const status = fc.constantFrom<VmStatus>('Up', 'Down', 'Paused');

const step = fc.oneof(
  fc.record({ kind: fc.constant('push' as const), id: fc.constantFrom(...ids), status, ago: fc.nat(15) }),
  fc.record({
    kind: fc.constant('report' as const),
    /** null: every VM's report is the object that it was. */
    said: fc.option(fc.array(fc.option(status), { minLength: 3, maxLength: 3 })),
    compared: fc.boolean(),
    tookMs: fc.nat(15),
  }),
);

it('weigh every push against every report that can say otherwise, however seldom they look', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const pushes = new HostPushes();
      /** The same, looked at as a whole at each report. */
      const plain = new Map<string, { status: VmStatus; at: number }>();
      let report = vmStats([]);
      let generation = 0;
      for (const [n, each] of steps.entries()) {
        const now = (n + 1) * 10;
        if (each.kind === 'push') {
          pushes.notePushed(each.id, each.status, now - each.ago);
          plain.set(each.id, { status: each.status, at: now - each.ago });
          continue;
        }
        if (each.said !== null) {
          report = vmStats(each.said.flatMap((one, i) => (one === null ? [] : [polled(ids[i], one)])));
          generation += 1;
        }
        if (!each.compared) continue;
        const requestedAt = now - each.tookMs;
        pushes.noteReport(report, generation, requestedAt);
        for (const [id, { status: last, at }] of plain) {
          const said = report.get(id)?.status;
          if (said !== undefined && said !== last && at <= requestedAt) plain.delete(id);
        }
        for (const id of ids) {
          for (const turn of ['Up', 'Down', 'Paused'] as const) {
            expect(pushes.wasPushed({ vmId: id, status: turn }, now)).toBe(plain.get(id)?.status === turn);
          }
        }
      }
    }),
    { numRuns: 2000 },
  );
});
