import { describe, expect, it } from 'vitest';
import { seconds, VirtualTime } from '../../src/kernel/index.js';
import { observerMethods, UPDATE_HASH } from '../../src/model/index.js';
import { createTestMonitor, FakeFetcher, MemoryStore } from '../../src/testing/index.js';

const xml = (devices: string) => `<domain><name>web</name><devices>${devices}</devices></domain>`;
const videoXml = xml("<video><model type='vga'/><alias name='ua-video'/><address type='pci' slot='0x02'/></video>");
const job = {
  j1: { id: 'j1', jobType: 'block', blockJobType: 'commit', cur: '1', end: '9', bandwidth: 0, imgUUID: 'd1' },
};
const fleet = (deviceXml = videoXml) =>
  new FakeFetcher().host('kvm', { vms: { web: { xml: deviceXml, deviceHash: '1' } } });

describe('devices of a VM', () => {
  it('are read once for each fingerprint, and come back after a restart without being read again', async () => {
    const clock = new VirtualTime();
    const agents = fleet();
    const store = new MemoryStore({ clock, scheduler: clock });
    await using first = await createTestMonitor({ fetcher: agents, store, clock });
    await clock.runFor(seconds(60));
    const devices = first.monitor.vms.devices('web');
    expect(devices).toMatchObject([{ id: 'video', type: 'video', device: 'vga', managed: false, plugged: true }]);
    expect(agents.on('kvm').count('Host.dumpxmls')).toBe(1);
    await first.monitor.stop();

    const later = new MemoryStore({ clock, scheduler: clock, previous: store });
    await using second = await createTestMonitor({ fetcher: agents, store: later, clock });
    expect(second.monitor.vms.devices('web')).toEqual(devices);
    await clock.runFor(seconds(60));
    expect(agents.on('kvm').count('Host.dumpxmls')).toBe(1);
    second.monitor.vms.remove('web');
    await clock.runFor(1);
    for await (const rows of later.stateLoader.load('vm_device')) expect(rows).toEqual([]);
  });

  it('that the manager hands in hold against what was asked for before', async () => {
    const agents = fleet();
    await using t = await createTestMonitor({ fetcher: agents });
    await t.clock.runFor(seconds(20));
    const { vms } = t.monitor;
    const older = vms.deviceWord('web');
    await t.clock.runFor(1);
    const newer = vms.deviceWord('web');
    expect(newer.put({ id: 'disk', type: 'disk', address: 'a' })).toBe(true);
    expect([older.put({ id: 'disk', type: 'disk', address: 'b' }), older.remove('disk')]).toEqual([false, false]);
    expect(vms.devices('web').find(({ id }) => id === 'disk')).toMatchObject({ address: 'a', managed: true });
    await t.clock.runFor(1);
    expect(vms.deviceWord('web').list([])).toBe(true);
    expect(vms.devices('web')).toMatchObject([{ id: 'disk', plugged: false, address: null }]);
    await t.clock.runFor(1);
    expect(
      t.records().some((record) => record.kind === 'change' && record.changes.some(({ to }) => to === UPDATE_HASH)),
    ).toBe(true);
    await t.clock.runFor(seconds(30));
    expect(agents.on('kvm').count('Host.dumpxmls')).toBe(1);
  });

  it('in hostile words hurt nothing, and are not asked for at each poll', async () => {
    const bomb = '<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><domain><name>&b;</name></domain>';
    const agents = fleet(bomb);
    await using t = await createTestMonitor({ fetcher: agents });
    await t.clock.runFor(seconds(120));
    expect(t.vm('web')).toMatchObject({ status: 'Up', freshness: 'live' });
    expect(agents.on('kvm').count('Host.dumpxmls')).toBe(1);
  });
});

describe('block jobs of a VM', () => {
  it('are the manager’s own, from their begin to their end, and stand in the database between', async () => {
    const clock = new VirtualTime();
    const agents = fleet();
    const store = new MemoryStore({ clock, scheduler: clock });
    await using t = await createTestMonitor({ fetcher: agents, store, clock });
    await clock.runFor(seconds(20));
    agents.on('kvm').vm('web', { fields: { vmJobs: { ...job, j2: { ...job.j1, id: 'j2' } } } });
    t.monitor.vms.jobStarted('web', { id: 'j1' });
    await clock.runFor(seconds(20));
    const stored = async () => {
      const ids: string[] = [];
      for await (const rows of store.stateLoader.load('vm_jobs'))
        ids.push(...rows.map((row) => `${row.id} ${row.cursorCur}`));
      return ids;
    };
    expect(await stored()).toEqual(['j1 1']);
    agents.on('kvm').vm('web', { fields: { vmJobs: {} } });
    await clock.runFor(seconds(20));
    expect(await stored()).toEqual([]);
  });
});

describe('the history of a VM', () => {
  it('has the usage of its last reports', async () => {
    const agents = new FakeFetcher().host('kvm', {
      vms: { web: { cpuUser: 20, cpuSys: 0, vcpus: 1, memUsagePercent: 30 } },
    });
    await using t = await createTestMonitor({ fetcher: agents, settings: { statistics: { historyLimit: 3 } } });
    expect(t.monitor.vms.history('web')).toEqual({ cpu: [], memory: [], network: [] });
    await t.clock.runFor(seconds(20));
    agents.on('kvm').vm('web', { cpuUser: 40 });
    await t.clock.runFor(seconds(60));
    expect(t.monitor.vms.history('web').cpu).toEqual([40, 40, 40]);
    expect(t.monitor.vms.history('web').memory).toEqual([30, 30, 30]);
  });
});

describe('beside an engine', () => {
  it('nothing is fetched that an observer may not ask for, whatever the fingerprints say; and nothing is told by command', async () => {
    const agents = fleet();
    agents.on('kvm').vm('web', { fields: { tpmHash: 'a', nvramHash: 'b' } });
    await using t = await createTestMonitor({ fetcher: agents, mode: 'observer' });
    await t.clock.runFor(seconds(60));
    agents.on('kvm').vm('web', { fields: { tpmHash: 'c', nvramHash: 'd' } });
    await t.clock.runFor(seconds(60));
    const asked = new Set(
      agents
        .on('kvm')
        .calls()
        .map(({ method }) => method),
    );
    expect([...asked].filter((method) => !observerMethods.has(method))).toEqual([]);
    expect(t.intents('saveExternalData')).toEqual([]);
    expect(t.monitor.vms.devices('web')).toHaveLength(1);
    expect(() => t.monitor.vms.deviceWord('web')).toThrow('engine');
    expect(() => t.monitor.vms.jobStarted('web', { id: 'j1' })).toThrow('engine');
  });
});
