import { describe, expect, it } from 'vitest';
import { keyOf, type RowWrite } from '../../src/model/index.js';
import { host, nicSample, polled, vm } from '../support/entities.js';
import { nic } from '../support/host-case.js';
import { type WorldOptions, world } from '../support/world.js';

const setup = (options: WorldOptions = {}) => {
  const w = world(options);
  return { ...w, inv: w.inventoryUpdater };
};
const added = { id: 'h1', name: 'alpha', address: 'alpha.example' };

describe('putHost', () => {
  it('adds a host: rows, record, change, and the chance to be heard', () => {
    const w = setup();
    const vds = w.inv.putHost({ ...added, port: 1234, pmEnabled: true });
    expect(vds).toBe(w.host());
    expect(vds.static).toMatchObject({ ...added, port: 1234, pmEnabled: true, clusterId: 'Default', protocol: 'vdsm' });
    expect(vds.dynamic).toMatchObject({ id: 'h1', status: 'Unassigned', statusSince: w.time.now() });
    expect(w.sets.hosts.liveness('h1')).toMatchObject({ attempts: 0, lastAnswerAt: w.time.now(), heardAt: null });
    expect(w.rows().map((row) => row.kind)).toEqual(['cluster', 'vds_static', 'vds_dynamic']);
    expect(w.recordsOf('change')).toMatchObject([
      { entity: 'cluster', entityId: 'Default', what: 'added' },
      { entity: 'host', entityId: 'h1', what: 'added', cause: { rule: 'inventory', source: { by: 'inventory' } } },
    ]);
    expect(w.changes).toMatchObject([{ name: 'VdsAdded', host: { id: 'h1', name: 'alpha', clusterId: 'Default' } }]);
    expect(w.order.at(-1)).toBe('VdsAdded');
  });

  it('says in the log of a new host and a new VM since when they have their status', () => {
    const w = setup();
    w.inv.putHost(added);
    w.inv.putVm({ id: 'v1', name: 'web' });
    const since = { path: 'statusSince', from: null, to: w.time.now() };
    const of = (entity: string) => w.recordsOf('change').filter((record) => record.entity === entity);
    expect(of('host')[0]?.changes).toContainEqual(since);
    expect(of('vm')[0]?.changes).toContainEqual(since);
  });

  it('takes the name for the id where none is given', () => {
    const w = setup();
    expect(w.inv.putHost({ name: 'alpha', address: 'a' }).id).toBe('alpha');
  });

  it('does nothing when nothing is new', () => {
    const w = setup();
    const vds = w.inv.putHost(added);
    w.forget();
    expect(w.inv.putHost(added)).toBe(vds);
    expect(w.order).toEqual([]);
  });

  it('changes facts, and leaves what was measured', () => {
    const w = setup({ hosts: [host('h1', 'Up', { vmCount: 3, static: { name: 'alpha' } })] });
    const after = w.inv.putHost({ ...added, address: 'new.example' });
    expect(after).toMatchObject({
      static: { address: 'new.example', clusterId: 'c1' },
      dynamic: { status: 'Up', vmCount: 3 },
    });
    expect(w.rows().map((row) => row.kind)).toContain('vds_static');
    expect(w.recordsOf('change').at(-1)?.changes).toContainEqual({
      path: 'address',
      from: 'h1.example',
      to: 'new.example',
    });
    expect(w.changes.map(({ name }) => name)).toEqual(['VdsUpdated']);
  });

  it('does not store keys', () => {
    const w = setup();
    w.inv.putHost({ ...added, tls: { key: 'SECRET', checkHostName: false } });
    const said = JSON.stringify([w.committer.sets, w.changes], (_, value) => (typeof value === 'bigint' ? '' : value));
    expect(said).not.toContain('SECRET');
  });

  it('refuses the name of another host, before it changes anything', () => {
    const w = setup();
    w.inv.putHost(added);
    w.forget();
    const again = () => w.inv.putHost({ id: 'h2', name: 'alpha', address: 'b', cluster: 'new' });
    expect(again).toThrow(expect.objectContaining({ code: 'ALREADY_EXISTS' }));
    expect([w.order, w.inventory.find('new'), w.sets.hosts.size]).toEqual([[], undefined, 1]);
  });

  it('takes its VMs along to another cluster', () => {
    const w = setup({ division: 'cluster', hosts: [host('h1')], vms: [vm('v1')] });
    w.inv.putHost({ id: 'h1', name: 'h1', address: 'a', cluster: 'lab' });
    expect([w.sets.setOfHost('h1')?.name, w.sets.setOfVm('v1')?.name]).toEqual(['lab', 'lab']);
  });
});

describe('putCluster', () => {
  it('adds, finds by name or id, changes, and writes only what changed', () => {
    const w = setup();
    const cluster = w.inv.putCluster({ id: 'c9', name: 'prod', cpuName: 'Intel' });
    expect(cluster).toMatchObject({ id: 'c9', name: 'prod', cpuName: 'Intel', migrateOnError: 'YES' });
    expect(w.inv.putCluster({ name: 'prod' })).toMatchObject({ id: 'c9', cpuName: 'Intel' });
    expect(w.rows('cluster')).toHaveLength(1);
    w.inv.putCluster({ name: 'prod', cpuName: null });
    expect(w.inventory.cluster('c9')?.cpuName).toBeNull();
    expect(w.rows('cluster')).toHaveLength(2);
  });

  it('says in the log what was added, changed and removed, so that the rows can be rebuilt', () => {
    const w = setup();
    const said = () =>
      w.recordsOf('change').map(({ entity, entityId, clusterId, what, changes, hostId, vmId, cause }) => {
        expect([hostId, vmId, cause.rule]).toEqual([null, null, 'inventory']);
        const fields = changes.map(({ path, from, to }) => `${path} ${from} → ${to}`).join(', ');
        return [`${what} ${entity} ${entityId} of ${clusterId}`, ...(fields === '' ? [] : [fields])].join(': ');
      });
    w.inv.putCluster({ id: 'c9', name: 'prod', cpuName: 'Intel', networks: [{ name: 'mgmt', required: true }] });
    expect(said()).toEqual([
      'added cluster c9 of c9: id  → c9, name  → prod, cpuName null → Intel',
      'added network mgmt of c9: clusterId  → c9, name  → mgmt, required false → true',
    ]);
    w.forget();
    w.inv.putCluster({ name: 'prod', cpuName: null, networks: [{ name: 'mgmt' }, { name: 'data' }] });
    expect(said()).toEqual([
      'changed cluster c9 of c9: cpuName Intel → null',
      'changed network mgmt of c9: required true → false',
      'added network data of c9: clusterId  → c9, name  → data',
    ]);
    w.forget();
    w.inv.putCluster({ name: 'prod', networks: [{ name: 'data' }] });
    expect(said()).toEqual(['removed network mgmt of c9']);
  });

  it('is known by its name where it has no id', () => {
    expect(setup().inv.putCluster({ name: 'prod' }).id).toBe('prod');
  });

  it('replaces its networks: new and changed ones are written, others removed', () => {
    const w = setup();
    const names = (specs: Parameters<typeof w.inv.putCluster>[0]['networks']) => {
      w.forget();
      w.inv.putCluster({ name: 'prod', ...(specs === undefined ? {} : { networks: specs }) });
      return w.rows('cluster_network').map((row) => `${'deleted' in row ? '-' : ''}${keyOf(row)}`);
    };
    expect(names([{ name: 'mgmt', required: true }, { name: 'data' }])).toEqual(['["prod","mgmt"]', '["prod","data"]']);
    expect(names([{ name: 'mgmt', required: true }, { name: 'data' }])).toEqual([]);
    expect(names(undefined)).toEqual([]);
    expect(names([{ name: 'mgmt', required: false }, { name: 'new' }])).toEqual([
      ...['["prod","mgmt"]', '["prod","new"]', '-["prod","data"]'],
    ]);
    expect([...w.inventory.networks('prod').keys()]).toEqual(['mgmt', 'new']);
  });
});

describe('putVm', () => {
  it('adds a VM that is down', () => {
    const w = setup();
    const added = w.inv.putVm({ id: 'v1', name: 'web', cluster: 'prod', ha: true, vcpus: 4 });
    expect(added.static).toMatchObject({
      id: 'v1',
      name: 'web',
      clusterId: 'prod',
      ha: true,
      vcpus: 4,
      adopted: false,
    });
    expect(added.dynamic).toMatchObject({ id: 'v1', status: 'Down', runOnVds: null });
    expect(w.rows().map((row) => row.kind)).toEqual(['cluster', 'vm_static', 'vm_dynamic']);
    expect(w.changes.map(({ name }) => name)).toEqual(['VmAdded']);
  });

  it('makes an adopted VM one of the manager’s, and leaves its state', () => {
    const w = setup({ vms: [vm('v1', 'Up', { static: { adopted: true, name: 'web' } })] });
    const after = w.inv.putVm({ id: 'v1', name: 'web' });
    expect(after).toMatchObject({
      static: { adopted: false, clusterId: 'c1' },
      dynamic: { status: 'Up', runOnVds: 'h1' },
    });
    expect(w.rows().map((row) => row.kind)).toEqual(['vm_static']);
    w.forget();
    expect(w.inv.putVm({ id: 'v1', name: 'web' })).toBe(after);
    expect(w.order).toEqual([]);
  });
});

/** What is left of all that was written: the rows that were not deleted after. */
function rowsLeft(writes: readonly RowWrite[]): string[] {
  const left = new Set<string>();
  for (const write of writes) {
    const key = `${write.kind} ${keyOf(write)}`;
    if ('deleted' in write) left.delete(key);
    else left.add(key);
  }
  return [...left];
}

/** h1 with everything that a host and its VMs can have, all of it written. */
async function crowded(vmMore: Parameters<typeof vm>[2] = {}) {
  const w = setup({ persistMs: 1000, mode: 'observer' });
  w.inv.putHost(added);
  w.statistics.start();
  const { hostId: _, ...eth0 } = nic('eth0');
  w.caps('h1', { interfaces: [eth0], selinuxMode: 'ENFORCING' });
  const node = {
    memFree: 1,
    usageMemPercent: 1,
    cpuSys: 1,
    cpuUser: 1,
    cpuIdle: 1,
    usageCpuPercent: 1,
    hugepages: null,
  };
  w.stats('h1', { nics: [nicSample('eth0')], numaNodes: [{ index: 0, ...node }] });
  const disk = {
    ...{ device: 'vda', imageId: 'i1', lunGuid: null, readRate: 1, writeRate: 1, readOps: 1n, writeOps: 1n },
    ...{ readLatencyNs: 1, writeLatencyNs: 1, flushLatencyNs: 1, trueSize: 1n },
  };
  const job = { id: 'j1', jobState: null, jobType: null, blockJobType: null, bandwidth: 0n, imageGroupId: null };
  w.poll('h1', [
    polled('v1', 'Up', {
      guestAgentNicsHash: 9,
      nics: [{ name: 'eth0', macAddr: 'aa', ipv4Addresses: ['10.0.0.1'], ipv6Addresses: [] }],
      jobs: [{ ...job, cursorCur: 0n, cursorEnd: 1n }],
      sample: { nics: [nicSample('vnet0', { macAddr: 'aa' })], disks: [disk], memUsagePercent: 5 },
    }),
  ]);
  const v1 = w.vm('v1');
  if (v1 !== undefined) w.sets.putVm({ ...v1, static: { ...v1.static, ...vmMore.static } });
  await w.time.runFor(1000);
  return w;
}

describe('removal', () => {
  it('of a host leaves no row of it, nor of the VMs that only its reports told of', async () => {
    const w = await crowded();
    const kinds = new Set(w.rows().map((row) => row.kind));
    // The test is worth its name only if there is something of every kind.
    expect([...kinds].toSorted()).toEqual(
      expect.arrayContaining([
        ...['vds_static', 'vds_dynamic', 'vds_interface', 'vds_statistics', 'vds_interface_statistics', 'numa_node'],
        ...['vm_static', 'vm_dynamic', 'vm_statistics', 'vm_interface_statistics', 'disk_image_dynamic'],
        ...['vm_guest_agent_interfaces', 'vm_jobs'],
      ]),
    );
    w.inv.removeHost(w.host()!);
    expect(rowsLeft(w.rows())).toEqual(['cluster ["Default"]']);
    expect([w.sets.hosts.size, w.sets.vms.size]).toEqual([0, 0]);
    const removed = w.recordsOf('change').filter(({ what }) => what === 'removed');
    expect(removed.map(({ entityId }) => entityId)).toEqual(['v1', 'h1']);
    expect(w.changes.slice(-2).map(({ name }) => name)).toEqual(['VmRemoved', 'VdsRemoved']);
  });

  it('of a host leaves a manager’s VMs, of which nothing is known then', async () => {
    const w = await crowded({ static: { adopted: false } });
    w.forget();
    w.inv.removeHost(w.host()!);
    expect(w.vm()?.dynamic).toMatchObject({
      ...{ status: 'Unknown', runOnVds: null, migratingToVds: null, statusSince: w.time.now() },
    });
    expect(w.changes.map(({ name }) => name)).toEqual(['VmStateChanged', 'VdsRemoved']);
    expect(w.rows('vm_dynamic')).toHaveLength(1);
    expect([...w.sets.vms.byHost('h1')]).toEqual([]);
  });

  it('of a VM leaves no row of it, and its host as it is', async () => {
    const w = await crowded();
    w.inv.removeVm(w.vm()!);
    expect(rowsLeft(w.rows()).filter((row) => /^(vm_|disk)/.test(row))).toEqual([]);
    expect([w.vm(), w.host()?.id]).toEqual([undefined, 'h1']);
    expect(w.changes.at(-1)).toMatchObject({ name: 'VmRemoved', vm: { id: 'v1' } });
  });

  it('of a VM lets it be taken in again when it is still reported', async () => {
    const w = await crowded();
    w.inv.removeVm(w.vm()!);
    w.vmUpdater.forgetVm('v1');
    w.poll('h1', [polled('v1', 'Up')]);
    expect(w.vm()?.static.adopted).toBe(true);
  });
});

describe('noteRestart', () => {
  it('writes down what the start has changed', () => {
    const w = setup({ hosts: [host('h1', 'Unassigned')] });
    const stored = { ...host('h1', 'Connecting').dynamic };
    expect(w.inv.noteRestart(stored)).toEqual({ rule: 'host.start', source: { by: 'start', at: w.time.now() } });
    expect(w.rows()).toEqual([{ kind: 'vds_dynamic', row: w.host()?.dynamic }]);
    expect(w.recordsOf('change')[0]?.changes).toEqual([{ path: 'status', from: 'Connecting', to: 'Unassigned' }]);
  });
});
