import { describe, expect, it } from 'vitest';
import { silentTelemetry, VirtualTime } from '../../src/kernel/index.js';
import {
  diskStatisticsFields,
  initialRow,
  keyOf,
  numaNodeFields,
  type VdsUsage,
  type VmUsage,
  vdsInterfaceStatisticsFields,
  vdsStatisticsFields,
  vmInterfaceStatisticsFields,
  vmStatisticsFields,
} from '../../src/model/index.js';
import { HostSets } from '../../src/repository/index.js';
import { StatisticsWriter } from '../../src/updater/index.js';
import { host, vm } from '../support/entities.js';
import { RecordingCommitter } from '../support/world.js';

const MINUTE = 60_000;

function setup(intervalMs = MINUTE) {
  const time = new VirtualTime();
  const committer = new RecordingCommitter();
  const sets = new HostSets('system', {
    lost: () => false,
    intervalMs: () => 15_000,
    leastIntervalMs: () => 15_000,
    synced: () => true,
  });
  sets.putHost(host('h1'));
  sets.putVm(vm('v1'));
  const writer = new StatisticsWriter(sets, committer, time, silentTelemetry, intervalMs);
  const { vds, vms } = sets.setOfHost('h1')!;
  return {
    ...{ time, committer, sets, writer },
    setVds: (usage: VdsUsage): void => {
      vds.setUsage('h1', usage);
      writer.vdsChanged('h1');
    },
    setVm: (id: string, usage: VmUsage): void => {
      writer.vmChanged(vms.setUsage(id, usage));
    },
    /** What was written since the last call: kind and key, "-" before what was deleted. */
    written: (): string[] =>
      committer.sets
        .splice(0)
        .flatMap((set) => set.rows)
        .map((row) => `${'deleted' in row ? '-' : ''}${row.kind} ${keyOf(row)}`),
  };
}

const hostNic = (name: string, rxRate = 1) => ({
  ...initialRow(vdsInterfaceStatisticsFields),
  ...{ hostId: 'h1', name, rxRate },
});
const vdsUsage: VdsUsage = {
  statistics: { ...initialRow(vdsStatisticsFields), id: 'h1' },
  interfaces: [hostNic('eth0'), hostNic('eth1')],
  numaNodes: [{ ...initialRow(numaNodeFields), hostId: 'h1', index: 0 }],
};
const vmNic = (macAddr: string) => ({ ...initialRow(vmInterfaceStatisticsFields), vmId: 'v1', macAddr });
const disk = (imageId: string) => ({ ...initialRow(diskStatisticsFields), vmId: 'v1', imageId });
const vmUsage: VmUsage = {
  statistics: { ...initialRow(vmStatisticsFields), id: 'v1' },
  interfaces: [vmNic('aa'), vmNic('bb')],
  disks: [disk('i1'), disk('i2')],
  migrationProgress: null,
};

describe('StatisticsWriter, what it writes', () => {
  it('all parts of what it has not written before', async () => {
    const { writer, setVds, setVm, written } = setup();
    setVds(vdsUsage);
    setVm('v1', vmUsage);
    await writer.write();
    expect(written()).toEqual([
      'vds_statistics ["h1"]',
      'vds_interface_statistics ["h1","eth0"]',
      'vds_interface_statistics ["h1","eth1"]',
      'numa_node ["h1",0]',
      'vm_statistics ["v1"]',
      'vm_interface_statistics ["v1","aa"]',
      'vm_interface_statistics ["v1","bb"]',
      'disk_image_dynamic ["i1"]',
      'disk_image_dynamic ["i2"]',
    ]);
  });

  it('nothing when nothing changed, not even an empty change set', async () => {
    const { writer, setVds, committer } = setup();
    await writer.write();
    setVds(vdsUsage);
    await writer.write();
    committer.sets.length = 0;
    // Told of a change that came to nothing.
    setVds(vdsUsage);
    await writer.write();
    expect(committer.sets).toEqual([]);
  });

  it('of a host only the parts that changed since it wrote last', async () => {
    const { writer, setVds, setVm, written } = setup();
    setVds(vdsUsage);
    setVm('v1', vmUsage);
    await writer.write();
    written();
    setVds({ ...vdsUsage, interfaces: [vdsUsage.interfaces[0]!, hostNic('eth1', 50)] });
    setVm('v1', { ...vmUsage, disks: [{ ...disk('i1'), readRate: 7 }, vmUsage.disks[1]!] });
    await writer.write();
    expect(written()).toEqual([
      'vds_interface_statistics ["h1","eth1"]',
      // Of a VM all of it, as one.
      'vm_statistics ["v1"]',
      'vm_interface_statistics ["v1","aa"]',
      'vm_interface_statistics ["v1","bb"]',
      'disk_image_dynamic ["i1"]',
      'disk_image_dynamic ["i2"]',
    ]);
  });

  it('the latest of several changes, once', async () => {
    const { writer, setVds, committer } = setup();
    for (const rate of [1, 2, 3]) setVds({ ...vdsUsage, interfaces: [hostNic('eth0', rate)] });
    await writer.write();
    const nics = committer.sets.flatMap((set) => set.rows).filter((row) => row.kind === 'vds_interface_statistics');
    expect(nics).toEqual([{ kind: 'vds_interface_statistics', row: hostNic('eth0', 3) }]);
  });

  it('that nics are gone', async () => {
    const { writer, setVds, setVm, written } = setup();
    setVds(vdsUsage);
    setVm('v1', vmUsage);
    await writer.write();
    written();
    setVds({ ...vdsUsage, interfaces: vdsUsage.interfaces.slice(1) });
    setVm('v1', { ...vmUsage, interfaces: vmUsage.interfaces.slice(0, 1) });
    await writer.write();
    const rows = written();
    expect(rows).toContain('-vds_interface_statistics ["h1","eth0"]');
    // A VM's usage replaces what was written of it.
    expect(rows.filter((row) => row.includes('vm_interface'))).toEqual(['vm_interface_statistics ["v1","aa"]']);
  });

  it('nothing of what was loaded from the database', async () => {
    const { writer, setVds, setVm, written } = setup();
    writer.loadedVds('h1', vdsUsage);
    writer.loadedVm('v1', vmUsage);
    setVds({ ...vdsUsage, statistics: { ...vdsUsage.statistics, cpuUser: 5 } });
    setVm('v1', vmUsage);
    await writer.write();
    expect(written()).toEqual(['vds_statistics ["h1"]']);
  });

  it('nothing of what was removed meanwhile, and all of what came back', async () => {
    const { writer, setVds, setVm, sets, written } = setup();
    setVds(vdsUsage);
    setVm('v1', vmUsage);
    await writer.write();
    setVm('v1', { ...vmUsage, disks: [] });
    setVds({ ...vdsUsage, numaNodes: [] });
    sets.deleteVm('v1');
    writer.forgetVds('h1');
    written();
    await writer.write();
    expect(written()).toEqual([]);
    sets.putVm(vm('v1'));
    setVm('v1', vmUsage);
    await writer.write();
    expect(written()).toContain('vm_statistics ["v1"]');
  });

  it('rows, where a counter is larger than columns hold, and all of them when that begins', async () => {
    const { writer, setVm, committer, written } = setup();
    const usages: string[][] = [];
    const usage = committer.usage.bind(committer);
    committer.usage = (vms) => {
      usages.push(vms.map(({ vmId }) => vmId));
      usage(vms);
    };
    const [first, second] = vmUsage.interfaces;
    const large = { ...vmUsage, interfaces: [{ ...first!, rxTotal: 2n ** 53n }, second!] };
    setVm('v1', vmUsage);
    await writer.write();
    setVm('v1', large);
    written();
    await writer.write();
    expect(usages).toEqual([['v1']]);
    expect(written()).toEqual([
      'vm_statistics ["v1"]',
      'vm_interface_statistics ["v1","aa"]',
      'vm_interface_statistics ["v1","bb"]',
      'disk_image_dynamic ["i1"]',
      'disk_image_dynamic ["i2"]',
    ]);
    setVm('v1', { ...large, interfaces: large.interfaces.slice(0, 1) });
    await writer.write();
    expect(written()).toContain('-vm_interface_statistics ["v1","bb"]');
    setVm('v1', vmUsage);
    await writer.write();
    expect(usages).toEqual([['v1'], ['v1']]);
  });

  it('no statistics as records: they explain nothing', async () => {
    const { writer, setVds, committer } = setup();
    setVds(vdsUsage);
    await writer.write();
    expect(committer.sets.flatMap((set) => set.records)).toEqual([]);
  });
});

describe('StatisticsWriter, when it writes', () => {
  it('each interval, as long as it runs', async () => {
    const { time, writer, setVm, written } = setup();
    writer.start();
    setVm('v1', vmUsage);
    await time.runFor(MINUTE - 1);
    expect(written()).toEqual([]);
    await time.runFor(1);
    expect(written()).toContain('vm_statistics ["v1"]');
    setVm('v1', { ...vmUsage, statistics: { ...vmUsage.statistics, cpuUser: 7 } });
    await time.runFor(MINUTE);
    expect(written()).toContain('vm_statistics ["v1"]');
    writer.stop();
    setVm('v1', vmUsage);
    await time.runFor(10 * MINUTE);
    expect(written()).toEqual([]);
    expect(time.waiting().size).toBe(0);
  });

  it('never, when the interval is 0', async () => {
    const { time, writer, setVds, setVm, written } = setup(0);
    writer.start();
    setVds(vdsUsage);
    setVm('v1', vmUsage);
    await time.runFor(10 * MINUTE);
    await writer.write();
    expect(written()).toEqual([]);
    expect(time.waiting().size).toBe(0);
  });

  /** 2400 VMs with a figure each: three chunks. */
  function crowd({ sets, setVm }: Pick<ReturnType<typeof setup>, 'sets' | 'setVm'>): void {
    for (let n = 0; n < 2400; n++) {
      sets.putVm(vm(`v${n}`));
      setVm(`v${n}`, { ...vmUsage, statistics: { ...vmUsage.statistics, id: `v${n}` }, interfaces: [], disks: [] });
    }
  }

  it('many VMs in chunks, with a turn of the event loop between them', async () => {
    const all = setup();
    crowd(all);
    const turns: number[] = [];
    const turn = (): void => {
      turns.push(all.committer.sets.length);
      if (turns.length < 5) all.time.after(0, turn, 'other work');
    };
    all.time.after(0, turn, 'other work');
    const written = all.writer.write();
    await all.time.runFor(0);
    await written;
    expect(all.committer.sets.map((set) => set.rows.length)).toEqual([1000, 1000, 400]);
    // Other work had its turn when one chunk, and when two chunks were handed over.
    expect(turns).toEqual(expect.arrayContaining([1, 2]));
    expect(new Set(all.committer.sets.flatMap((set) => set.rows).map(keyOf)).size).toBe(2400);
  });

  it('what changes while it writes, when that has ended: a stopping service waits for both', async () => {
    const all = setup();
    crowd(all);
    const seen: number[] = [];
    const busy = { ...vmUsage, statistics: { ...vmUsage.statistics, cpuUser: 50 } };
    all.time.after(
      0,
      () => {
        all.setVm('v1', busy);
        void all.writer.write().then(() => seen.push(all.committer.sets.length));
        seen.push(all.committer.sets.length);
      },
      'stopping service',
    );
    const first = all.writer.write();
    await all.time.runFor(0);
    await first;
    expect(seen).toEqual([1, 4]);
    expect(all.committer.sets.at(-1)?.rows).toEqual([
      { kind: 'vm_statistics', row: busy.statistics },
      ...vmUsage.interfaces.map((row) => ({ kind: 'vm_interface_statistics', row })),
      ...vmUsage.disks.map((row) => ({ kind: 'disk_image_dynamic', row })),
    ]);
  });

  it('takes the row of a disk away when the inventory says that it is nobody’s, not when the VM reports none', async () => {
    const { sets, setVm, written, writer } = setup();
    const disks = (id: string, imageIds: readonly string[] | null): void => {
      const known = imageIds?.map((imageId) => ({ imageId, lunId: null, alias: null })) ?? null;
      const { static: facts, ...rest } = sets.vms.get(id) ?? vm(id);
      sets.putVm({ ...rest, static: { ...facts, disks: known } });
    };
    const reports = async (...imageIds: string[]): Promise<string[]> => {
      setVm('v1', { ...vmUsage, disks: imageIds.map(disk) });
      await writer.write();
      return written().filter((row) => row.includes('disk'));
    };
    await reports('d1', 'd2', 'd3');
    // Which disks it has nobody says; then: it has them, and is down.
    expect((await reports('d1', 'd2')).filter((row) => row.startsWith('-'))).toEqual([]);
    disks('v1', ['d1', 'd2']);
    // Without the usage they need rows of their own.
    expect(await reports()).toEqual(['disk_image_dynamic ["d1"]', 'disk_image_dynamic ["d2"]']);
    await reports('d1', 'd2');
    disks('v1', ['d1']);
    expect(await reports('d1')).toContain('-disk_image_dynamic ["d2"]');
    // It is another one’s now.
    disks('v1', []);
    disks('v2', ['d1']);
    expect((await reports()).filter((row) => row.startsWith('-'))).toEqual([]);
  });
});
