import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VmStatus } from '../../src/model/index.js';
import { host, polled, vm } from '../support/entities.js';
import { world } from '../support/world.js';

const statuses: readonly VmStatus[] = ['Up', 'Paused', 'PoweringDown', 'RebootInProgress', 'NotResponding'];

type Step =
  | { readonly is: 'begin' }
  | { readonly is: 'end' }
  /** Asked `age` ms ago, answered now. */
  | { readonly is: 'report'; readonly age: number; readonly status: VmStatus }
  | { readonly is: 'wait'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant({ is: 'begin' as const }),
  fc.constant({ is: 'end' as const }),
  fc.record({
    is: fc.constant('report' as const),
    age: fc.integer({ min: 0, max: 400 }),
    status: fc.constantFrom(...statuses),
  }),
  fc.record({ is: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 300 }) }),
);

describe('commands and reports', () => {
  it('an older report never undoes what a command did, and the first newer one counts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const w = world({ hosts: [host()], vms: [vm()] });
        await w.time.runFor(1000);
        let running = 0;
        let endedAt = Number.NEGATIVE_INFINITY;
        let expected: VmStatus = 'Up';
        for (const s of steps) {
          if (s.is === 'wait') await w.time.runFor(s.ms);
          else if (s.is === 'begin') {
            running += 1;
            w.commands.begin('v1', 'snapshot');
          } else if (s.is === 'end') {
            if (running === 0) continue;
            running -= 1;
            w.commands.end('v1', 'snapshot');
            endedAt = w.time.monotonic();
          } else {
            const requestedAt = w.time.monotonic() - s.age;
            w.poll('h1', [polled('v1', s.status)], { stamp: { requestedAt } });
            if (running === 0 && requestedAt > endedAt) expected = s.status;
          }
          expect(w.vm()?.dynamic.status).toBe(expected);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('a VM whose command never ended is judged again when its time is over', async () => {
    const w = world({ hosts: [host()], vms: [vm()] });
    w.commands.begin('v1', 'snapshot');
    w.poll('h1', [polled('v1', 'Paused')]);
    expect(w.vm()?.dynamic.status).toBe('Up');
    await w.time.runFor(600_001);
    w.poll('h1', [polled('v1', 'Paused')]);
    expect(w.vm()?.dynamic.status).toBe('Paused');
  });

  it('a migration that the manager tells of is not undone by a report from before, and hands over', async () => {
    const w = world({ hosts: [host('h1'), host('h2')], vms: [vm()] });
    await w.time.runFor(1000);
    const before = w.time.monotonic();
    await w.time.runFor(100);
    const v1 = w.vm();
    if (v1 === undefined) throw new Error('v1 is gone');
    w.vmUpdater.migrating(v1, 'h2');
    w.poll('h1', [polled('v1', 'Up')], { stamp: { requestedAt: before } });
    expect(w.vm()?.dynamic).toMatchObject({ status: 'MigratingFrom', migratingToVds: 'h2', runOnVds: 'h1' });
    expect(w.vmUpdater.statusCause('v1')?.rule).toBe('vm.command.migrating');
    await w.time.runFor(100);
    w.poll('h1', [polled('v1', 'MigratingFrom')]);
    w.poll('h2', [polled('v1', 'Up')]);
    expect(w.vm()?.dynamic).toMatchObject({ status: 'Up', migratingToVds: null, runOnVds: 'h2' });
  });
});
