import { describe, expect, it } from 'vitest';
import type { Intent } from '../../src/events/index.js';
import { minutes, seconds } from '../../src/kernel/index.js';
import { createMonitor, type IntentHandler } from '../../src/monitor/index.js';
import { DestroyLeftovers } from '../../src/monitor/intents/index.js';
import { createTestMonitor, FakeFetcher, MemoryStore, type TestMonitor, VirtualTime } from '../../src/testing/index.js';

const ha = [{ id: 'db-1', name: 'db-1', ha: true }];

/** A highly available VM has vanished from its host. */
function failed(): FakeFetcher {
  return new FakeFetcher().host('kvm-01', { vms: { 'db-1': { status: 'Up' } } }).host('kvm-02', { vms: {} });
}

async function fail(t: TestMonitor, agents: FakeFetcher): Promise<void> {
  await t.clock.runFor(minutes(1));
  agents.on('kvm-01').without('db-1');
  await t.clock.runFor(seconds(40));
}

const keys = (intents: readonly Intent[]): string[] => intents.map((intent) => `${intent.intent} ${intent.key}`).sort();

describe('advice', () => {
  it('waits until it is acknowledged, and is replayed to whoever subscribes', async () => {
    const agents = failed();
    await using t = await createTestMonitor({ fetcher: agents, vms: ha });
    const early: Intent[] = [];
    t.monitor.intents$.subscribe((intent) => early.push(intent));
    await fail(t, agents);
    const about = () => t.monitor.intents.pending().filter(({ vmId }) => vmId === 'db-1');
    expect(
      about()
        .map(({ intent }) => intent)
        .sort(),
    ).toEqual(['autoRun', 'processDownVm']);
    for (const intent of about())
      expect(intent).toMatchObject({ advisory: false, cursor: expect.stringMatching(/^e1\./) });
    const late: Intent[] = [];
    t.monitor.intents$.subscribe((intent) => late.push(intent));
    expect(keys(late)).toEqual(keys(t.monitor.intents.pending()));
    expect(keys(early)).toEqual(expect.arrayContaining(keys(late)));

    const run = about().find(({ intent }) => intent === 'autoRun') as Intent;
    expect(t.monitor.intents.acknowledge(run.key)).toBe(true);
    expect(t.monitor.intents.acknowledge(run.key)).toBe(false);
    expect(about().map(({ intent }) => intent)).toEqual(['processDownVm']);
  });

  it('is withdrawn when its ground is gone, so that nobody acts on it late', async () => {
    const agents = failed();
    await using t = await createTestMonitor({ fetcher: agents, vms: ha });
    await fail(t, agents);
    expect(t.monitor.intents.pending().some(({ vmId }) => vmId === 'db-1')).toBe(true);
    agents.on('kvm-02').with('db-1', { status: 'Up' });
    await t.clock.runFor(seconds(20));
    expect(t.vm('db-1')).toMatchObject({ status: 'Up', host: 'kvm-02' });
    expect(t.monitor.intents.pending().filter(({ vmId }) => vmId === 'db-1')).toEqual([]);
  });

  it('is neither lost nor given a second key by a restart', async () => {
    const clock = new VirtualTime();
    let store = new MemoryStore({ clock, scheduler: clock });
    let agents = failed();
    let before: string[];
    {
      await using t = await createTestMonitor({ fetcher: agents, vms: ha, clock, store });
      await fail(t, agents);
      const done = t.monitor.intents.pending().find(({ intent }) => intent === 'processDownVm') as Intent;
      t.monitor.intents.acknowledge(done.key);
      before = keys(t.monitor.intents.pending());
      expect(before.some((key) => key.startsWith('autoRun'))).toBe(true);
    }
    for (let restart = 0; restart < 2; restart++) {
      store = new MemoryStore({ clock, scheduler: clock, previous: store });
      agents = failed();
      agents.on('kvm-01').without('db-1');
      const heard: Intent[] = [];
      await using t = await createTestMonitor({ fetcher: agents, vms: ha, clock, store });
      t.monitor.intents$.subscribe((intent) => heard.push(intent));
      expect(keys(heard)).toEqual(before);
      // Neither the first look at its hosts nor the queue of failed VMs gives it anew.
      await t.clock.runFor(seconds(20));
      expect(keys(t.monitor.intents.pending())).toEqual(before);
      expect(keys(heard)).toEqual(before);
    }
  });

  it('a subscriber from before the start hears what was left over as well', async () => {
    const clock = new VirtualTime();
    const first = new MemoryStore({ clock, scheduler: clock });
    {
      const agents = failed();
      await using t = await createTestMonitor({ fetcher: agents, vms: ha, clock, store: first });
      await fail(t, agents);
    }
    const store = new MemoryStore({ clock, scheduler: clock, previous: first });
    const fetcher = new FakeFetcher().bind(clock, clock);
    const monitor = await createMonitor({ mode: 'manager', fetcher, store, clock, scheduler: clock });
    const heard: string[] = [];
    monitor.intents$.subscribe(({ intent, vmId }) => heard.push(`${intent} ${vmId}`));
    await Promise.all([monitor.start(), clock.runFor(seconds(1))]);
    expect(heard).toEqual(expect.arrayContaining(['autoRun db-1', 'processDownVm db-1']));
    await Promise.all([monitor.stop(), clock.runFor(seconds(1))]);
  });

  it('of an observer is advisory, and no handler ever runs', async () => {
    const agents = failed();
    const handled: Intent[] = [];
    const intentHandler: IntentHandler = {
      handle: async (intent) => {
        handled.push(intent);
        return true;
      },
    };
    await using t = await createTestMonitor({ mode: 'observer', fetcher: agents, vms: ha, intentHandler });
    await fail(t, agents);
    expect(t.intents().length).toBeGreaterThan(0);
    expect(t.intents().every(({ advisory }) => advisory)).toBe(true);
    expect(handled).toEqual([]);
    for (const name of agents.hosts()) expect(agents.on(name).count('VM.destroy')).toBe(0);
  });

  it('an observer that is told to act does not even start', async () => {
    await expect(
      createMonitor({ mode: 'observer', settings: { actions: { destroyLeftovers: true } } }),
    ).rejects.toMatchObject({ code: 'ACTION_IN_OBSERVER_MODE' });
  });
});

describe('a handler', () => {
  it('gets advice until it is done: failures come again with the next report of the host', async () => {
    const agents = failed();
    const tries: string[] = [];
    const intentHandler: IntentHandler = {
      handle: async (intent) => {
        if (intent.intent !== 'processDownVm') return false;
        tries.push(intent.key);
        if (tries.length < 3) throw new Error('not now');
        return true;
      },
    };
    await using t = await createTestMonitor({ fetcher: agents, vms: ha, intentHandler });
    await fail(t, agents);
    await t.clock.runFor(seconds(45));
    expect(tries).toHaveLength(3);
    expect(new Set(tries).size).toBe(1);
    const left = t.monitor.intents.pending().map(({ intent }) => intent);
    expect(left).not.toContain('processDownVm');
    expect(left).toContain('autoRun');
  });

  it('that hangs keeps neither the others waiting nor the stop', async () => {
    const agents = new FakeFetcher().host('kvm-01', {
      vms: Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`vm-${i}`, { status: 'Up' } as const])),
    });
    const done: string[] = [];
    const intentHandler: IntentHandler = {
      handle: async (intent, signal) => {
        if (intent.vmId === 'vm-0') {
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));
        }
        done.push(`${intent.intent} ${intent.vmId}`);
        return true;
      },
    };
    await using t = await createTestMonitor({ fetcher: agents, intentHandler });
    await t.clock.runFor(minutes(1));
    agents.on('kvm-01').without('vm-0', 'vm-1', 'vm-2', 'vm-3', 'vm-4');
    await t.clock.runFor(seconds(40));
    expect(done).toEqual(expect.arrayContaining(['processDownVm vm-1', 'processDownVm vm-4']));
    expect(done).not.toContain('processDownVm vm-0');
  });
});

describe('actions.destroyLeftovers', () => {
  const settings = { actions: { destroyLeftovers: true } };
  const destroyed = (agents: FakeFetcher, host = 'kvm-01'): unknown[] =>
    agents
      .on(host)
      .calls('VM.destroy')
      .map(({ params }) => params);

  it('destroys what is left of a VM where it is left, and no more', async () => {
    const agents = failed();
    await using t = await createTestMonitor({ fetcher: agents, vms: ha, settings });
    await t.clock.runFor(minutes(1));
    agents.on('kvm-01').with('db-1', { status: 'Down', exitStatus: 'Normal' }).with('foreign', { status: 'Down' });
    await t.clock.runFor(minutes(2));
    expect(destroyed(agents)).toEqual(expect.arrayContaining([{ vmID: 'db-1' }, { vmID: 'foreign' }]));
    expect(destroyed(agents)).toHaveLength(2);
    expect(agents.on('kvm-02').count('VM.destroy')).toBe(0);
    expect(t.monitor.intents.pending().filter(({ intent }) => intent === 'destroy')).toEqual([]);
  });

  it('is off unless it is asked for', async () => {
    const agents = failed();
    await using t = await createTestMonitor({ fetcher: agents, vms: ha });
    await t.clock.runFor(minutes(1));
    agents.on('kvm-01').with('db-1', { status: 'Down', exitStatus: 'Normal' });
    await t.clock.runFor(minutes(2));
    expect(destroyed(agents)).toEqual([]);
    const [left] = t.monitor.intents.pending().filter(({ intent }) => intent === 'destroy');
    expect(left).toMatchObject({ vmId: 'db-1', hostId: 'kvm-01' });
    expect(t.intents('destroy')).toHaveLength(1);
  });

  it('tries again with the next report when the agent fails', async () => {
    const agents = failed();
    await using t = await createTestMonitor({ fetcher: agents, vms: ha, settings });
    await t.clock.runFor(minutes(1));
    agents.on('kvm-01').with('db-1', { status: 'Down', exitStatus: 'Normal' }).code(16, 'VM.destroy');
    await t.clock.runFor(minutes(1));
    const tries = destroyed(agents).length;
    expect(tries).toBeGreaterThan(2);
    expect(tries).toBeLessThanOrEqual(5);
    agents.on('kvm-01').recover('VM.destroy');
    await t.clock.runFor(seconds(20));
    expect(t.monitor.intents.pending().filter(({ intent }) => intent === 'destroy')).toEqual([]);
    await t.clock.runFor(minutes(1));
    expect(destroyed(agents)).toHaveLength(tries + 1);
  });

  it('takes "no such VM" for done', async () => {
    const agents = failed();
    await using t = await createTestMonitor({ fetcher: agents, vms: ha, settings });
    await t.clock.runFor(minutes(1));
    agents.on('kvm-01').with('db-1', { status: 'Down', exitStatus: 'Normal' }).code(1, 'VM.destroy');
    await t.clock.runFor(minutes(1));
    expect(destroyed(agents)).toHaveLength(1);
    expect(t.monitor.intents.pending().filter(({ intent }) => intent === 'destroy')).toEqual([]);
  });

  it.each(['code', 'refuse'] as const)(
    'does not destroy a VM that was started again there in the meantime (%s)',
    async (trouble) => {
      const agents = failed();
      await using t = await createTestMonitor({ fetcher: agents, vms: ha, settings });
      await t.clock.runFor(minutes(1));
      agents.on('kvm-01').with('db-1', { status: 'Down', exitStatus: 'Normal' });
      if (trouble === 'code') agents.on('kvm-01').code(16, 'VM.destroy');
      else agents.on('kvm-01').refuse('VM.destroy');
      await t.clock.runFor(seconds(20));
      const tries = destroyed(agents).length;
      expect(tries).toBeGreaterThan(0);
      agents.on('kvm-01').with('db-1', { status: 'Up' }).recover('VM.destroy');
      await t.clock.runFor(minutes(2));
      expect(t.vm('db-1')).toMatchObject({ status: 'Up', host: 'kvm-01' });
      expect(destroyed(agents)).toHaveLength(tries);
    },
  );

  it('does nothing to a VM that the manager is at work on, nor to a host that nobody knows', async () => {
    const agents = new FakeFetcher().host('kvm-01', { vms: { 'db-1': { status: 'Down' } } });
    const clock = new VirtualTime();
    const known = { id: 'kvm-01', name: 'kvm-01', address: 'a', port: 1, protocol: 'http', tls: null } as const;
    const working = new Set(['db-1']);
    const handler = new DestroyLeftovers({
      ...{ caller: agents.bind(clock, clock), scheduler: clock, isBusy: (vmId) => working.has(vmId) },
      endpointOf: (hostId) => (hostId === known.id ? known : undefined),
    });
    const advice = (hostId: string) => ({ intent: 'destroy', vmId: 'db-1', hostId }) as Intent;
    const signal = new AbortController().signal;
    await expect(handler.handle(advice('kvm-01'), signal)).rejects.toMatchObject({ code: 'NOT_READY' });
    working.clear();
    await expect(handler.handle(advice('kvm-99'), signal)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(destroyed(agents)).toEqual([]);
    expect(await handler.handle(advice('kvm-01'), signal)).toBe(true);
    expect(await handler.handle({ ...advice('kvm-01'), intent: 'autoRun' }, signal)).toBe(false);
    expect(destroyed(agents)).toEqual([{ vmID: 'db-1' }]);
  });

  it('what was left before a restart is not destroyed before its host was looked at again', async () => {
    const clock = new VirtualTime();
    const first = new MemoryStore({ clock, scheduler: clock });
    {
      const agents = failed();
      await using t = await createTestMonitor({ fetcher: agents, vms: ha, clock, store: first });
      await t.clock.runFor(minutes(1));
      agents.on('kvm-01').with('db-1', { status: 'Down', exitStatus: 'Normal' }).with('old', { status: 'Down' });
      await t.clock.runFor(minutes(1));
      expect(t.monitor.intents.pending().filter(({ intent }) => intent === 'destroy')).toHaveLength(2);
    }
    const store = new MemoryStore({ clock, scheduler: clock, previous: first });
    // Meanwhile it was started there again.
    const agents = failed();
    agents.on('kvm-01').with('old', { status: 'Down' });
    await using t = await createTestMonitor({ fetcher: agents, vms: ha, clock, store, settings });
    await t.clock.runFor(minutes(2));
    expect(t.vm('db-1')).toMatchObject({ status: 'Up', host: 'kvm-01' });
    expect(destroyed(agents)).toEqual([{ vmID: 'old' }]);
  });
});
