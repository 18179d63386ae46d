import { describe, expect, it } from 'vitest';
import type { EventRecord } from '../../src/events/index.js';
import { minutes, seconds } from '../../src/kernel/index.js';
import { createTestMonitor, FakeFetcher, MemoryStore, type TestMonitor, VirtualTime } from '../../src/testing/index.js';

const VMS = 50;

function fleet(): FakeFetcher {
  const vms = Object.fromEntries(Array.from({ length: VMS }, (_, i) => [`web-${i}`, { status: 'Up' } as const]));
  return new FakeFetcher().host('kvm-07', { vms });
}

const named = (t: TestMonitor, name: EventRecord['name']): EventRecord[] =>
  t.events().filter((event) => event.name === name);
const theOne = (t: TestMonitor, name: EventRecord['name']): EventRecord => {
  const events = named(t, name);
  expect(events).toHaveLength(1);
  return events[0] as EventRecord;
};

describe('the loss of a host and its return are one incident', () => {
  it('from the loss to the last VM: one correlation, a parent for the way out and one for the way back', async () => {
    const agents = fleet();
    await using t = await createTestMonitor({ fetcher: agents });
    await t.clock.runFor(minutes(1));
    const before = t.records().length;
    agents.on('kvm-07').refuse();
    await t.clock.runFor(minutes(3));
    const lost = theOne(t, 'VDS_FAILURE');
    const unknown = named(t, 'VM_SET_TO_UNKNOWN_STATUS');
    expect(unknown).toHaveLength(VMS);
    for (const part of unknown) expect(part).toMatchObject({ parent: lost.id, correlation: lost.correlation });
    expect(lost).toMatchObject({ parent: null, correlation: expect.any(String) });

    agents.on('kvm-07').recover();
    // One VM did not survive, and is missed until two reports were without it.
    agents.on('kvm-07').without('web-13');
    await t.clock.runFor(minutes(1));
    const back = named(t, 'VDS_DETECTED').at(-1) as EventRecord;
    expect(back).toMatchObject({ parent: null, correlation: lost.correlation });
    const restored = named(t, 'VM_STATUS_RESTORED');
    expect(restored).toHaveLength(VMS - 1);
    for (const part of restored) expect(part).toMatchObject({ parent: back.id, correlation: lost.correlation });
    expect(theOne(t, 'VM_DOWN_ERROR')).toMatchObject({ parent: back.id, correlation: lost.correlation });

    // The changes that came with it say so, too; one each for the way out and back.
    const changes = t
      .records()
      .slice(before)
      .filter(
        (record) => record.kind === 'change' && record.entity === 'vm' && record.correlation === lost.correlation,
      );
    expect(changes).toHaveLength(2 * VMS);
    // Nothing but them, and the host's own, was said.
    const said = new Set(
      t
        .records()
        .slice(before)
        .flatMap((record) => (record.kind === 'event' ? [record.name] : [])),
    );
    expect([...said].sort()).toEqual([
      // Within the first minutes of the service nothing is fenced.
      'VDS_ALERT_FENCE_OPERATION_SKIPPED',
      'VDS_DETECTED',
      'VDS_FAILURE',
      'VDS_HOST_NOT_RESPONDING',
      'VM_DOWN_ERROR',
      'VM_SET_TO_UNKNOWN_STATUS',
      'VM_STATUS_RESTORED',
    ]);
  });

  it('the next loss is another one, and what happens between belongs to none', async () => {
    const agents = fleet();
    await using t = await createTestMonitor({ fetcher: agents });
    await t.clock.runFor(minutes(1));
    agents.on('kvm-07').refuse();
    await t.clock.runFor(minutes(3));
    agents.on('kvm-07').recover();
    await t.clock.runFor(minutes(2));
    agents.on('kvm-07').with('web-3', { status: 'Paused' });
    await t.clock.runFor(seconds(20));
    expect(theOne(t, 'VM_PAUSED')).toMatchObject({ parent: null, correlation: null });
    agents.on('kvm-07').refuse();
    await t.clock.runFor(minutes(3));
    const correlations = new Set(named(t, 'VDS_FAILURE').map(({ correlation }) => correlation));
    expect(correlations.size).toBe(2);
    expect(new Set(named(t, 'VM_SET_TO_UNKNOWN_STATUS').map(({ correlation }) => correlation))).toEqual(correlations);
  });

  it('contact that was lost within the grace time is no incident', async () => {
    const agents = fleet();
    await using t = await createTestMonitor({ fetcher: agents });
    await t.clock.runFor(minutes(1));
    agents.on('kvm-07').refuse();
    await t.clock.runUntil(() => t.host('kvm-07').status === 'Connecting', { within: minutes(1) });
    agents.on('kvm-07').recover();
    await t.clock.runFor(minutes(1));
    expect(t.host('kvm-07').status).toBe('Up');
    expect(t.events().filter(({ correlation }) => correlation !== null)).toEqual([]);
  });

  it('after a restart of the service the return is one incident still', async () => {
    const clock = new VirtualTime();
    const agents = fleet();
    const store = new MemoryStore({ clock, scheduler: clock });
    {
      await using t = await createTestMonitor({ fetcher: agents, clock, store });
      await t.clock.runFor(minutes(1));
      agents.on('kvm-07').refuse();
      await t.clock.runFor(minutes(3));
    }
    const second = new MemoryStore({ clock, scheduler: clock, previous: store });
    await using t = await createTestMonitor({ fetcher: fleet(), clock, store: second });
    await t.clock.runFor(minutes(1));
    const back = theOne(t, 'VDS_DETECTED');
    expect(back.correlation).toEqual(expect.any(String));
    const restored = named(t, 'VM_STATUS_RESTORED');
    expect(restored).toHaveLength(VMS);
    for (const part of restored) expect(part).toMatchObject({ parent: back.id, correlation: back.correlation });
  });
});

describe('a value that flaps', () => {
  it('leaves a few events, one word, and all of its changes', async () => {
    const agents = new FakeFetcher().host('kvm-07', { vms: { web: { status: 'Up' } } });
    await using t = await createTestMonitor({ fetcher: agents });
    await t.clock.runFor(minutes(1));
    const before = t.records().length;
    for (let i = 0; i < 20; i++) {
      agents.on('kvm-07').with('web', { status: i % 2 === 0 ? 'NotResponding' : 'Up' });
      await t.clock.runFor(seconds(15));
    }
    const changes = () =>
      t
        .records()
        .slice(before)
        .filter((record) => record.kind === 'change' && record.entity === 'vm');
    expect(changes()).toHaveLength(20);
    expect(t.eventNames('web')).toEqual(['VM_NOT_RESPONDING', 'VM_NOT_RESPONDING', 'EVENTS_FLAPPING']);
    expect(t.events('web').at(-1)).toMatchObject({
      severity: 'WARNING',
      params: { Changes: '6', Event: 'VM_NOT_RESPONDING', QuietSeconds: '300' },
      cause: { rule: 'events.flap' },
    });
    await t.clock.runFor(minutes(6));
    expect(t.events('web').at(-1)).toMatchObject({
      name: 'EVENTS_HELD_BACK',
      params: { Event: 'VM_NOT_RESPONDING', Count: '8', Why: 'flap' },
    });
    agents.on('kvm-07').with('web', { status: 'NotResponding' });
    await t.clock.runFor(seconds(20));
    expect(t.eventNames('web').at(-1)).toBe('VM_NOT_RESPONDING');
  });

  it('what is held back at the stop is summed up before', async () => {
    const agents = new FakeFetcher().host('kvm-07', { vms: {} });
    const clock = new VirtualTime();
    const store = new MemoryStore({ clock, scheduler: clock });
    {
      await using t = await createTestMonitor({ fetcher: agents, clock, store });
      await t.clock.runFor(minutes(1));
      // VDS_HOST_NOT_RESPONDING has a flood time of 180 s.
      for (let i = 0; i < 2; i++) {
        agents.on('kvm-07').refuse();
        await t.clock.runFor(seconds(20));
        agents.on('kvm-07').recover();
        await t.clock.runFor(seconds(30));
      }
    }
    const { head } = await store.logReader.bounds();
    const log = await store.logReader.readBackwards(null, head.seq);
    const summaries = log.filter((record) => record.kind === 'event' && record.name === 'EVENTS_HELD_BACK');
    expect(summaries).toMatchObject([
      { severity: 'WARNING', hostId: 'kvm-07', params: { Event: 'VDS_HOST_NOT_RESPONDING', Count: '1', Why: 'flood' } },
    ]);
  });
});
