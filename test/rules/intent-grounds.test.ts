import { describe, expect, it } from 'vitest';
import type { Change } from '../../src/events/index.js';
import { type IntentRow, initialRow, intentFields, type VdsStatus, vdsStatusIds } from '../../src/model/index.js';
import { isAboutHost, isAboutRemains, isCounted, isIntentKind, isWithdrawnBy } from '../../src/rules/index.js';
import { host, vm } from '../support/entities.js';

const SINCE = 100;
/** Advice that was given on h1 about v1, in the statuses that they have had since 100. */
const row = (intent: string): IntentRow => ({
  ...initialRow(intentFields),
  ...{ key: 'k', intent, vmId: 'v1', hostId: 'h1', since: SINCE },
});

const ofVm = ['rerun', 'autoRun', 'coldReboot', 'processDownVm'];
const ofHost = ['migrateVms', 'activate', 'initVdsOnUp', 'maintenanceNumberOfVdss', 'disconnectStoragePool'];
const ofSilence = ['fence', 'restartOnLease'];
const all = [...ofVm, ...ofHost, ...ofSilence, 'destroy', 'importVm', 'importHostedEngine', 'saveExternalData'];
const allBut = (...left: string[]): string[] => all.filter((intent) => !left.includes(intent));

const cause = { kind: 'poll', rule: 'a rule', requestedAt: 0, receivedAt: 0 } as unknown as Change['cause'];
const changed = (name: 'VmUpdated' | 'VmAdded' | 'VmStateChanged', current: ReturnType<typeof vm>): Change =>
  ({ name, vmId: 'v1', current, changes: [], from: 'Up', to: current.dynamic.status, cause }) as unknown as Change;
const hostChanged = (name: 'VdsStateChanged' | 'VdsUpdated' | 'VdsAdded', current: ReturnType<typeof host>): Change =>
  ({ name, hostId: 'h1', current, changes: [], from: 'Up', to: current.dynamic.status, cause }) as unknown as Change;
const withdrawnBy = (change: Change): string[] => all.filter((intent) => isWithdrawnBy(row(intent), change));

/** Advice is withdrawn when what it rests on is gone, and stays while it holds (D25). */
describe('which advice a change takes away', () => {
  const v1 = vm('v1', 'Down', { static: { adopted: true, origin: 'HOSTED_ENGINE' } });

  it.each<[string, ReturnType<typeof vm>, string[]]>([
    ['nothing that matters changed', v1, []],
    ['another status', vm('v1', 'Down', { ...v1.dynamic, statusSince: 101, static: v1.static }), ofVm],
    ['taken into the inventory', { ...v1, static: { ...v1.static, adopted: false } }, ['importVm']],
    ['managed now', { ...v1, static: { ...v1.static, origin: 'OVIRT' } }, ['importHostedEngine']],
    ['it runs where it was to be destroyed', vm('v1', 'Up', { static: v1.static }), ['destroy']],
    ['it runs elsewhere', vm('v1', 'Up', { runOnVds: 'h2', static: v1.static }), []],
    ['Down, on its host still', vm('v1', 'Down', { runOnVds: 'h1', static: v1.static }), []],
  ])('a VM: %s', (_, current, withdrawn) => {
    // All but one of these are not Unknown: whoever was to be started elsewhere on its lease is heard of.
    const expected = [...withdrawn, ...ofSilence].sort();
    for (const name of ['VmUpdated', 'VmAdded'] as const) {
      expect(withdrawnBy(changed(name, current)).sort()).toEqual(expected);
    }
    const other = new Set([...expected, ...ofVm]);
    expect(withdrawnBy(changed('VmStateChanged', current)).sort()).toEqual([...other].sort());
  });

  it('a VM: Unknown, it may still be tried on its lease', () => {
    const current = vm('v1', 'Unknown', { static: v1.static, runOnVds: 'h2' });
    expect(withdrawnBy(changed('VmStateChanged', current)).sort()).toEqual(ofVm.toSorted());
  });

  it.each(Object.keys(vdsStatusIds) as VdsStatus[])('a host: another status, %s, be it in the same ms', (status) => {
    const heard = !['NonResponsive', 'Connecting', 'Unassigned'].includes(status);
    for (const statusSince of [SINCE, SINCE + 1]) {
      expect(withdrawnBy(hostChanged('VdsStateChanged', host('h1', status, { statusSince }))).sort()).toEqual(
        [...ofHost, ...(heard ? ofSilence : [])].sort(),
      );
    }
  });

  it('a host: other fields of it are no matter', () => {
    const current = host('h1', 'Up', { statusSince: SINCE + 1 });
    for (const name of ['VdsUpdated', 'VdsAdded'] as const) {
      expect(withdrawnBy(hostChanged(name, current))).toEqual([]);
    }
  });

  it('a VM that is removed: all about it, but not what is left of it on a host', () => {
    expect(withdrawnBy({ name: 'VmRemoved', vmId: 'v1', cause } as unknown as Change)).toEqual(allBut('destroy'));
  });

  it('a host that is removed: all about it', () => {
    expect(withdrawnBy({ name: 'VdsRemoved', hostId: 'h1', cause } as unknown as Change).sort()).toEqual(
      [...ofHost, ...ofSilence, 'destroy'].sort(),
    );
  });
});

describe('kinds of advice', () => {
  it('are known by their names', () => {
    expect(all.filter((intent) => !isIntentKind(intent))).toEqual([]);
    expect(['toString', 'VM_DOWN', ''].filter(isIntentKind)).toEqual([]);
  });

  it('are about a host, or about a VM', () => {
    expect(all.filter(isAboutHost).sort()).toEqual([...ofHost, ...ofSilence, 'destroy'].sort());
  });

  it('are about remains, or about what lives', () => {
    expect(all.filter(isAboutRemains)).toEqual(['destroy']);
  });

  it('are counted where they are given again and again', () => {
    expect(all.filter(isCounted).sort()).toEqual(['autoRun', 'maintenanceNumberOfVdss', 'restartOnLease']);
  });
});
