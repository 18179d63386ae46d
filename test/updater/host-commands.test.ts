import { describe, expect, it } from 'vitest';
import type { VurtiError } from '../../src/kernel/index.js';
import { host, hostStats, vm } from '../support/entities.js';
import { world } from '../support/world.js';

const codeOf = (run: () => void): string | null => {
  try {
    run();
    return null;
  } catch (error) {
    return (error as VurtiError).code;
  }
};

describe('commands about hosts', () => {
  it('set the status, say why, and are committed with their advice', () => {
    const w = world({ hosts: [host()], vms: [vm()] });
    w.vdsUpdater.command('h1', { is: 'maintenance', reason: 'disks' });
    expect(w.host()?.dynamic).toMatchObject({ status: 'PreparingForMaintenance', maintenanceReason: 'disks' });
    expect(w.vdsUpdater.statusCause('h1')).toMatchObject({
      rule: 'host.maintenance.preparing',
      source: { by: 'command' },
    });
    expect(w.committer.sets).toHaveLength(1);
    expect(w.advice()).toEqual(['maintenanceNumberOfVdss h1']);
    expect(w.changes.map((change) => change.name)).toEqual(['VdsStateChanged']);
  });

  it('are refused where the status does not allow them, and then change nothing', () => {
    const w = world({ hosts: [host()], vms: [vm()] });
    expect(codeOf(() => w.vdsUpdater.command('h1', { is: 'confirmRebooted' }))).toBe('HOST_STATUS');
    expect(w.committer.sets).toEqual([]);
  });

  it('let a host be emptied and then enter maintenance', () => {
    const w = world({ hosts: [host()], vms: [vm()] });
    w.vdsUpdater.command('h1', { is: 'maintenance', reason: null });
    w.stats('h1', { dynamic: { vmCount: 1 } });
    expect(w.host()?.dynamic.status).toBe('PreparingForMaintenance');
    w.sets.putVm(vm('v1', 'Up', { runOnVds: 'h2' }));
    w.stats('h1', { dynamic: { vmCount: 0 } });
    expect(w.host()?.dynamic.status).toBe('Maintenance');
    expect(w.advice()).toEqual(['maintenanceNumberOfVdss h1', 'disconnectStoragePool h1']);
  });

  it('wait for image transfers as the manager tells of them', () => {
    const w = world({ hosts: [host('h1', 'PreparingForMaintenance')] });
    w.inventory.putImageTransfers('h1', ['TRANSFERRING']);
    w.stats('h1');
    expect(w.host()?.dynamic.status).toBe('PreparingForMaintenance');
    w.inventory.putImageTransfers('h1', []);
    w.stats('h1');
    expect(w.host()?.dynamic.status).toBe('Maintenance');
  });
});

describe('a host that is proven to have been off (§3.4)', () => {
  const lost = () =>
    world({
      hosts: [host('h1', 'NonResponsive', { vmCount: 3, inFenceFlow: true }), host('h2')],
      vms: [
        vm('v1', 'Unknown', { static: { ha: true } }),
        vm('v2', 'MigratingFrom', { migratingToVds: 'h2' }),
        vm('v3', 'Up', { runOnVds: 'h2' }),
      ],
    });

  it('takes its VMs down, cleans up where they were going, and restarts highly available ones', () => {
    const w = lost();
    w.commands.begin('v1', 'migrate');
    w.vdsUpdater.command('h1', { is: 'confirmRebooted' });
    expect(w.vm('v1')?.dynamic).toMatchObject({ status: 'Down', exitStatus: 'Error', runOnVds: null });
    expect(w.vm('v2')?.dynamic).toMatchObject({ status: 'Down', migratingToVds: null });
    expect(w.vm('v3')?.dynamic.status).toBe('Up');
    expect(w.host()?.dynamic).toMatchObject({ status: 'NonResponsive', vmCount: 0, inFenceFlow: false });
    expect(w.eventNames()).toEqual([
      'VM_WAS_SET_DOWN_DUE_TO_HOST_REBOOT_OR_MANUAL_FENCE',
      'HA_VM_FAILED',
      'VM_WAS_SET_DOWN_DUE_TO_HOST_REBOOT_OR_MANUAL_FENCE',
    ]);
    const advice = w.recordsOf('intent').map(({ intent, vmId, hostId }) => `${intent} ${vmId} ${hostId}`);
    expect(advice).toEqual(['processDownVm v1 h1', 'autoRun v1 h1', 'destroy v2 h2', 'processDownVm v2 h1']);
    expect(w.commands.of('v1').asyncRunning).toBe(false);
  });

  it('is one incident', () => {
    const w = lost();
    w.vdsUpdater.command('h1', { is: 'confirmRebooted' });
    const correlations = new Set(w.recordsOf('event').map((event) => event.correlation));
    expect([...correlations]).toEqual([expect.any(String)]);
  });
});

describe('signals', () => {
  it('tell of the steps that are not committed', () => {
    const w = world({ hosts: [host('h1', 'Connecting')], vms: [] });
    w.caps('h1', { selinuxMode: 'ENFORCING' });
    w.tell({ name: 'VdsStatsReceived', host: 'h1', stamp: w.stampOf('h1'), report: hostStats() });
    expect(w.changes).toContainEqual(expect.objectContaining({ name: 'VdsSignalled', signal: 'cancelRecoveryTimer' }));
    expect(w.advice()).toEqual(['initVdsOnUp h1']);
  });

  it('keep the figures of the moment when the status changed', async () => {
    const w = world({ hosts: [host()], persistMs: 60_000 });
    w.stats('h1', { statistics: { cpuUser: 30, cpuSys: 10 } });
    await w.statistics.write();
    w.forget();
    w.vdsUpdater.command('h1', { is: 'maintenance', reason: null });
    await w.statistics.write();
    expect(w.rows('vds_statistics')).toMatchObject([{ row: { usageCpuPercent: 0 } }]);
  });
});

describe('automatic restart of the agent’s time', () => {
  it('ends with the status: a host that was activated meanwhile is not judged by it', async () => {
    const w = world({ hosts: [host()] });
    w.recovering('h1');
    expect(w.host()?.dynamic.status).toBe('Initializing');
    w.vdsUpdater.command('h1', { is: 'activate' });
    await w.time.runFor(200_000);
    expect(w.host()?.dynamic.status).toBe('Unassigned');
    expect(w.time.waiting().get('recovery')).toBeUndefined();
  });
});
