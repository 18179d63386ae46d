import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Vm, type VmReport, type VmStatus, vmStatusIds } from '../../src/model/index.js';
import { admission, decideVm, type NotAdmitted, type VmCase } from '../../src/rules/index.js';
import { host, polled, pushed, stamp, vm } from '../support/entities.js';
import { vmCase } from '../support/vm-verdict.js';

describe('admission (§4.3)', () => {
  const report = (timestamp: number | null): VmReport => polled('v1', 'Paused', { timestamp });
  const asked = (requestedAt: number) => ({ stamp: stamp({ requestedAt }) });
  const last = (of: string, timestamp: number) => ({ lastReport: { host: of, timestamp, askedAt: 0 } });

  it.each<[string, VmReport | null, Parameters<typeof vmCase>[2], NotAdmitted | null]>([
    ['nothing is in the way', report(5), {}, null],
    ['1: a command works on the VM', report(5), { commands: { busy: true } }, 'command'],
    ['1: … also when it is missing', null, { commands: { busy: true } }, 'command'],
    ['1: a start waits for its reports', report(5), { commands: { asyncRunning: true } }, null],
    ['2: as old as the last one', report(900), last('h1', 900), null],
    ['2: newer than the last one', report(901), last('h1', 900), null],
    ['2: older than the last one', report(899), last('h1', 900), 'older'],
    ['2: without a time, after one with a time', report(null), last('h1', 900), 'older'],
    ['2: without a time, as ever', report(null), last('h1', -1), null],
    ['2: older, but the last one came from another host', report(1), last('h2', 900), null],
    ['2: missing has no time', null, last('h1', 900), null],
    ['3: asked before a command ended', report(5), { ...asked(699), commands: { changedAt: 700 } }, 'command'],
    ['3: asked at that moment', report(5), { ...asked(700), commands: { changedAt: 700 } }, 'command'],
    ['3: asked after it', report(5), { ...asked(700.5), commands: { changedAt: 700 } }, null],
  ])('%s', (_, reported, more, expected) => {
    expect(admission(vmCase(vm(), reported, more))).toBe(expected);
  });
});

describe('decideVm', () => {
  const statuses = Object.keys(vmStatusIds) as VmStatus[];
  /** Suspended and locked VMs run on no host, so that no agent reports them. */
  const reportable = statuses.filter((status) => !['Suspended', 'ImageIllegal', 'ImageLocked'].includes(status));
  const hosts = ['h1', 'h2', 'h3', null];
  const anyVm: fc.Arbitrary<Vm | undefined> = fc.option(
    fc
      .record({
        status: fc.constantFrom(...statuses),
        runOnVds: fc.constantFrom(...hosts),
        migratingToVds: fc.constantFrom(...hosts),
        ha: fc.constantFrom(true, false, null),
        clientIp: fc.constantFrom(null, '', '10.0.0.5'),
      })
      // Nothing migrates from a host to itself.
      .filter(({ status, runOnVds, migratingToVds }) => status !== 'MigratingFrom' || runOnVds !== migratingToVds)
      .map(({ status, ha, ...more }) => vm('v1', status, { ...more, static: { ha } })),
    { nil: undefined },
  );
  const anyReport: fc.Arbitrary<VmReport | null> = fc.option(
    fc
      .record({
        status: fc.constantFrom(...reportable),
        pauseStatus: fc.constantFrom('NONE', 'EIO', 'POSTCOPY'),
        exitStatus: fc.constantFrom('Normal', 'Error', 'Unknown'),
        exitReason: fc.constantFrom('Unknown', 'MigrationSucceeded', 'DestroyedOnReboot'),
        guestAgentNicsHash: fc.constantFrom(0, 7),
        clientIp: fc.constantFrom(null, '', '10.0.0.6'),
        push: fc.boolean(),
      })
      .map(({ status, push, ...more }) => (push ? pushed : polled)('v1', status, { ...more, nics: [], jobs: [] })),
    { nil: null },
  );
  const anyCase: fc.Arbitrary<VmCase> = fc
    .record({
      vm: anyVm,
      report: anyReport,
      mode: fc.constantFrom('observer', 'manager'),
      misses: fc.constantFrom(1, 2),
      managedInventory: fc.boolean(),
      externalDataKept: fc.boolean(),
      ownerLeftIt: fc.boolean(),
      busy: fc.record({ asyncRunning: fc.boolean(), coldReboot: fc.boolean(), inPowerOffWindow: fc.boolean() }),
      owner: fc.constantFrom(
        undefined,
        { host: 'h1', alerted: false, since: 500 },
        { host: 'h2', alerted: true, since: 500 },
      ),
    })
    .map(({ vm: stored, report, misses, busy, owner, ...more }) =>
      vmCase(stored, report, { ...more, missesNeeded: misses, commands: busy, formerOwner: owner, host: host('h1') }),
    );

  it('is pure: the same case gives the same verdict, and frozen inputs are not touched', () => {
    fc.assert(
      fc.property(anyCase, (c) => {
        const [a, b] = [decideVm(c), decideVm(c)];
        expect({ ...b, draft: { ...b.draft } }).toEqual({ ...a, draft: { ...a.draft } });
      }),
      { numRuns: 1000 },
    );
  });

  it('never lets a VM run on a host while it is Down, and never lets it change without a reason to say', () => {
    fc.assert(
      fc.property(anyCase, (c) => {
        const { draft, changes, rule } = decideVm(c);
        expect(rule).toMatch(/^vm\./);
        const { dynamic } = draft;
        if (dynamic !== undefined && changes.length > 0 && ['Down', 'Suspended'].includes(dynamic.status)) {
          if (changes.some(({ path }) => path === 'status')) expect(dynamic.runOnVds).toBeNull();
        }
        if (c.vm !== undefined && dynamic?.status !== c.vm.dynamic.status) {
          expect(changes.map(({ path }) => path)).toEqual(expect.arrayContaining(['status', 'statusSince']));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('never advises to destroy a VM where it runs and is reported alive', () => {
    fc.assert(
      fc.property(anyCase, (c) => {
        const alive = c.report !== null && c.report.status !== 'Down' && c.vm?.dynamic.runOnVds === 'h1';
        const destroyed = decideVm(c).draft.intents.filter(
          ({ intent, hostId }) => intent === 'destroy' && hostId === 'h1',
        );
        if (alive) expect(destroyed).toEqual([]);
        // Nor a VM that nobody told us of, unless a manager knows all of its own.
        if (c.vm === undefined && (c.mode === 'observer' || !c.managedInventory)) expect(destroyed).toEqual([]);
        expect(destroyed.length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 1000 },
    );
  });

  it('settles: judged again, the same report changes nothing more', () => {
    fc.assert(
      fc.property(anyCase, (c) => {
        const first = decideVm(c);
        const { dynamic, static: facts } = first.draft;
        if (dynamic === undefined || c.report === null) return;
        // A manager’s unknown source of a post-copy migration is taken in, and let go at the next report: nobody knows where to.
        if (c.vm === undefined && c.report.dynamic.pauseStatus === 'POSTCOPY') return;
        const next: Vm = {
          ...(c.vm ?? vm('v1')),
          ...(facts === undefined ? {} : { static: facts }),
          ...{ dynamic, guestInterfaces: first.draft.guestInterfaces, jobs: first.draft.jobs },
        };
        const formerOwner =
          first.draft.formerOwner === undefined
            ? c.formerOwner
            : first.draft.formerOwner === null
              ? undefined
              : { ...first.draft.formerOwner, since: 900 };
        const again = decideVm({ ...c, vm: next, formerOwner });
        expect(again.changes).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });
});
