import { describe, expect, it } from 'vitest';
import { VmRepository } from '../../src/repository/index.js';
import { vm } from '../support/entities.js';

const INTERVAL = 15_000;

function setup() {
  const lost = new Set<string>();
  let synced = true;
  let interval = INTERVAL;
  const vms = new VmRepository({
    lost: (id) => lost.has(id),
    intervalMs: () => interval,
    leastIntervalMs: () => INTERVAL,
    synced: () => synced,
  });
  /** A complete report of the host with these VMs in it, as the updater notes it. */
  const report = (host: string, at: number, ids: readonly string[]): void => {
    vms.noteReport(host, at, (id) => ids.includes(id));
    for (const id of vms.byHost(host)) if (!ids.includes(id)) vms.noteMissing(id);
  };
  const poll = (everyMs: number): void => {
    interval = everyMs;
  };
  const notSynced = (): void => {
    synced = false;
  };
  return { vms, lost, report, poll, notSynced };
}

describe('freshness of a VM', () => {
  it('is unknown until this process has heard of it', () => {
    const { vms, report } = setup();
    vms.put(vm('v1'));
    expect([vms.freshness('v1', 0), vms.heardAt('v1')]).toEqual(['unknown', null]);
    report('h1', 1000, ['v1']);
    expect([vms.freshness('v1', 1000), vms.heardAt('v1')]).toEqual(['live', 1000]);
  });

  it('is live for two intervals after the last report, then stale', () => {
    const { vms, report } = setup();
    vms.put(vm('v1'));
    report('h1', 1000, ['v1']);
    expect(vms.freshness('v1', 1000 + 2 * INTERVAL)).toBe('live');
    expect(vms.freshness('v1', 1001 + 2 * INTERVAL)).toBe('stale');
  });

  it('of a missing VM does not come back when its host is polled less often from then on', () => {
    const { vms, report, poll } = setup();
    for (const id of ['v1', 'v2']) vms.put(vm(id));
    report('h1', 1000, ['v1', 'v2']);
    report('h1', 40_000, ['v1']);
    poll(4 * INTERVAL);
    expect([vms.freshness('v1', 90_000), vms.freshness('v2', 90_000)]).toEqual(['live', 'stale']);
    vms.put(vm('v2', 'Up', { runOnVds: 'h2' }));
    expect(vms.freshness('v2', 90_000)).toBe('stale');
  });

  it('is unknown while its host is lost, and known again with the host', () => {
    const { vms, lost, report } = setup();
    vms.put(vm('v1'));
    report('h1', 1000, ['v1']);
    lost.add('h1');
    expect(vms.freshness('v1', 1001)).toBe('unknown');
    lost.clear();
    expect(vms.freshness('v1', 1001)).toBe('live');
  });

  it.each([
    ['Down', 'live'],
    ['Suspended', 'live'],
    ['ImageLocked', 'live'],
    ['Unknown', 'unknown'],
    ['Up', 'unknown'],
  ] as const)('of a VM that is %s and runs nowhere is %s', (status, expected) => {
    const { vms } = setup();
    vms.put(vm('v1', status, { runOnVds: null }));
    expect(vms.freshness('v1', 10 ** 9)).toBe(expected);
  });

  it('of a VM that runs nowhere is stale until every host has had its chance to list it', () => {
    const { vms, notSynced } = setup();
    vms.put(vm('v1', 'Down'));
    notSynced();
    expect(vms.freshness('v1', 0)).toBe('stale');
  });

  it('of a VM that is not held is unknown', () => {
    const { vms } = setup();
    expect([vms.freshness('v9', 0), vms.heardAt('v9')]).toEqual(['unknown', null]);
  });
});

describe('when a VM was last seen', () => {
  it('is kept per host: a report counts for all VMs in it', () => {
    const { vms, report } = setup();
    for (const id of ['v1', 'v2']) vms.put(vm(id));
    report('h1', 1000, ['v1', 'v2']);
    report('h1', 2000, ['v1', 'v2']);
    expect([vms.heardAt('v1'), vms.heardAt('v2')]).toEqual([2000, 2000]);
  });

  it('stays the older time for a VM that is missing, however many reports follow', () => {
    const { vms, report } = setup();
    for (const id of ['v1', 'v2']) vms.put(vm(id));
    report('h1', 1000, ['v1', 'v2']);
    for (const at of [2000, 3000, 4000]) report('h1', at, ['v1']);
    expect([vms.heardAt('v1'), vms.heardAt('v2')]).toEqual([4000, 1000]);
    report('h1', 5000, ['v1', 'v2']);
    expect(vms.heardAt('v2')).toBe(5000);
  });

  it('is never, for a VM that was missing from the first report', () => {
    const { vms, report } = setup();
    vms.put(vm('v1'));
    report('h1', 1000, []);
    expect(vms.heardAt('v1')).toBeNull();
  });

  it('does not become later by moving to a host that has not reported it', () => {
    const { vms, report } = setup();
    vms.put(vm('v1'));
    report('h1', 1000, ['v1']);
    report('h2', 5000, []);
    vms.put(vm('v1', 'MigratingTo', { runOnVds: 'h2' }));
    expect(vms.heardAt('v1')).toBe(1000);
    report('h2', 6000, ['v1']);
    expect(vms.heardAt('v1')).toBe(6000);
  });

  it('is the moment of the new host’s report when that one moved it', () => {
    const { vms, report } = setup();
    vms.put(vm('v1'));
    report('h1', 1000, ['v1']);
    report('h2', 5000, ['v1']);
    vms.put(vm('v1', 'Up', { runOnVds: 'h2' }));
    vms.noteSeen('v1');
    expect(vms.heardAt('v1')).toBe(5000);
  });

  it('outlasts going down, and a later start on another host', () => {
    const { vms, report } = setup();
    vms.put(vm('v1'));
    report('h1', 1000, ['v1']);
    vms.put(vm('v1', 'Down'));
    report('h1', 2000, []);
    expect(vms.heardAt('v1')).toBe(1000);
    report('h2', 3000, []);
    vms.put(vm('v1', 'WaitForLaunch', { runOnVds: 'h2' }));
    expect(vms.heardAt('v1')).toBe(1000);
  });

  it('does not change for VMs of other hosts', () => {
    const { vms, report } = setup();
    vms.put(vm('v1', 'Up', { runOnVds: 'h1' }));
    vms.put(vm('v2', 'Up', { runOnVds: 'h2' }));
    report('h1', 1000, ['v1']);
    expect(vms.heardAt('v2')).toBeNull();
  });

  it('is forgotten with the VM and with the host', () => {
    const { vms, report } = setup();
    vms.put(vm('v1'));
    report('h1', 1000, ['v1']);
    report('h1', 2000, []);
    vms.delete('v1');
    vms.put(vm('v1'));
    // The host's own time counts again, not the one that was noted for the VM that is gone.
    expect(vms.heardAt('v1')).toBe(2000);
    vms.forgetHost('h1');
    expect(vms.heardAt('v1')).toBeNull();
  });

  it('ignores a miss of a VM that runs nowhere or is not held', () => {
    const { vms } = setup();
    vms.put(vm('v1', 'Down'));
    vms.noteMissing('v1');
    vms.noteMissing('v9');
    vms.noteSeen('v9');
    expect([vms.heardAt('v1'), vms.heardAt('v9')]).toEqual([null, null]);
  });
});
