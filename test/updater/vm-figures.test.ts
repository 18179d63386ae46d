import { describe, expect, it } from 'vitest';
import { seconds } from '../../src/kernel/index.js';
import { host, polled, vm } from '../support/entities.js';
import { world } from '../support/world.js';

const hosts = [host('h1')];
const MIB = 1024;

describe('histories (§4.12)', () => {
  const w = () => world({ hosts, vms: [vm('v1', 'Up', { static: { vcpus: 1 } })], settings: historyOf(3) });
  const historyOf = (historyLimit: number) => ({ statistics: { persistIntervalSeconds: 0, historyLimit } });
  const usage = (cpu: number | null, memory: number | null) => ({
    sample: { cpuUser: cpu, cpuSys: cpu === null ? null : 0, memUsagePercent: memory },
  });

  it('take in one value per poll, and keep the last ones', () => {
    const t = w();
    for (const cpu of [1, 2, 3, 4]) t.poll('h1', [polled('v1', 'Up', usage(cpu, 50))]);
    const history = t.vmUpdater.figures.history('v1');
    expect(history?.cpu.values()).toEqual([2, 3, 4]);
    expect(history?.memory.values()).toEqual([50, 50, 50]);
    expect(history?.network.values()).toEqual([]);
  });

  it('take in one value of a poll in which the VM is judged as well', () => {
    const t = w();
    t.poll('h1', [polled('v1', 'Up', { ...usage(1, 5), guestOs: 'another' })]);
    t.poll('h1', [polled('v1', 'Paused', usage(2, 5))]);
    expect(t.vmUpdater.figures.history('v1')?.cpu.values()).toEqual([1, 2]);
  });

  it('are empty at limit 0, and when the VM ran no more', () => {
    const t = world({ hosts, vms: [vm('v1', 'Up', { static: { vcpus: 1 } })], settings: historyOf(0) });
    t.poll('h1', [polled('v1', 'Up', usage(1, 5))]);
    expect(t.vmUpdater.figures.history('v1')?.cpu.values()).toEqual([]);
    const other = w();
    other.poll('h1', [polled('v1', 'Up', usage(1, 5))]);
    other.poll('h1', [polled('v1', 'Down')]);
    expect(other.vmUpdater.figures.history('v1')).toBeUndefined();
  });
});

describe('a balloon', () => {
  const stored = vm('v1', 'Up', { static: { minMemoryMb: 1024, memoryMb: 4096 } });
  const balloon = (current: number, target: number) => ({
    sample: { memUsagePercent: 40, balloon: { current: current * MIB, target: target * MIB, max: 4096 * MIB, min: 0 } },
  });

  it('that does not follow is reported for its VM, by the rule that saw it, in clusters that balloon', async () => {
    for (const [ballooning, events] of [
      [true, ['VM_BALLOON_DRIVER_ERROR']],
      [false, []],
    ] as const) {
      const w = world({ hosts, vms: [stored] });
      w.inventoryUpdater.putCluster({ id: 'c1', name: 'c1', ballooning });
      for (let poll = 0; poll < 5; poll++) {
        await w.time.runFor(seconds(15));
        w.poll('h1', [polled('v1', 'Up', balloon(4000, 2000))]);
      }
      expect(w.eventNames()).toEqual(events);
      for (const event of w.recordsOf('event')) {
        expect(event).toMatchObject({ vmId: 'v1', hostId: 'h1', cause: { rule: 'vm.balloon.not-following' } });
      }
    }
  });

  it('that leaves two VMs less than they are guaranteed is reported for each of them (D15), and held back for each', async () => {
    const w = world({ hosts, vms: ['v1', 'v2'].map((id) => vm(id, 'Up', { static: { minMemoryMb: 1024 } })) });
    const poll = () =>
      w.poll(
        'h1',
        ['v1', 'v2'].map((id) => polled(id, 'Up', balloon(512, 512))),
      );
    poll();
    await w.time.runFor(seconds(15));
    poll();
    expect(w.recordsOf('event').map(({ name, vmId }) => [name, vmId])).toEqual([
      ['VM_MEMORY_UNDER_GUARANTEED_VALUE', 'v1'],
      ['VM_MEMORY_UNDER_GUARANTEED_VALUE', 'v2'],
    ]);
  });
});

describe('the progress of a migration', () => {
  it('is 0 when it has come to nothing', () => {
    const w = world({ hosts, vms: [vm('v1', 'MigratingFrom', { migratingToVds: 'h2' })] });
    w.poll('h1', [polled('v1', 'MigratingFrom', { sample: { migrationProgress: 40 } })]);
    expect(w.sets.vms.usage('v1')?.migrationProgress).toBe(40);
    w.poll('h1', [polled('v1', 'Up', { sample: {} })]);
    expect(w.sets.vms.usage('v1')?.migrationProgress).toBe(0);
  });
});

describe('data of TPM and NVRAM', () => {
  const report = { ...polled('v1', 'Up'), tpmHash: 'b' };

  it('are to be saved once, by a manager', () => {
    const w = world({ hosts, vms: [vm('v1', 'Up', { tpmHash: 'a' })] });
    w.poll('h1', [report]);
    w.poll('h1', [report]);
    expect(w.advice()).toEqual(['saveExternalData h1']);
    expect(w.vm()?.dynamic.tpmHash).toBe('b');
    expect(w.rows('vm_dynamic')).toHaveLength(1);
  });

  it('are looked at by nobody beside an engine', () => {
    const w = world({ hosts, vms: [vm('v1', 'Up', { tpmHash: 'a' })], mode: 'observer' });
    w.poll('h1', [report]);
    expect([w.advice(), w.requests]).toEqual([[], []]);
  });
});

describe('a block job that the manager begins', () => {
  it('is known at once, and goes on as the reports say', async () => {
    const w = world({ hosts, vms: [vm('v1', 'Up')] });
    const stored = w.vm();
    if (stored === undefined) throw new RangeError('no VM');
    const early = w.stampOf('h1');
    w.vmUpdater.jobs.begin(stored, { id: 'j1', imageGroupId: 'd1' });
    expect(w.vm()?.jobs).toMatchObject([{ id: 'j1', vmId: 'v1', imageGroupId: 'd1', jobState: 'NORMAL' }]);
    expect(w.recordsOf('change')[0]?.cause).toMatchObject({ rule: 'vm.job.begun', source: { by: 'command' } });
    w.poll('h1', [polled('v1', 'Up', { jobs: [] })], { stamp: early });
    expect(w.vm()?.jobs).toHaveLength(1);
    await w.time.runFor(1);
    w.poll('h1', [polled('v1', 'Up', { jobs: [] })]);
    expect(w.vm()?.jobs).toEqual([]);
    expect(w.rows('vm_jobs').at(-1)).toEqual({ kind: 'vm_jobs', deleted: ['j1'] });
    expect(w.vmUpdater.jobs.startedAt('v1', 'j1')).toBeNull();
  });
});
