import { describe, expect, it } from 'vitest';
import type { Bookmarks } from '../../src/events/index.js';
import { SeededRandom, silentTelemetry } from '../../src/kernel/index.js';
import { type Outcome, Sink } from '../../src/sinks/index.js';
import type { MemoryStore } from '../../src/store/index.js';
import { createTestMonitor, FakeFetcher, minutes, seconds, type TestMonitor } from '../../src/testing/index.js';

const failed = (error = 'HTTP 500', retryAfterMs: number | null = null): Outcome => ({
  ok: false,
  error,
  retryAfterMs,
});

/** A receiver that answers as it is told, and a sink in front of it. */
function receiver(t: TestMonitor, bookmarks: Bookmarks | undefined, severity: 'NORMAL' | 'ERROR' = 'NORMAL') {
  const got: string[] = [];
  const tries: number[] = [];
  const state = { answer: (): Outcome | Promise<Outcome> => ({ ok: true }) };
  const make = (): Sink =>
    new Sink({
      ...{ name: 'chat', target: 'https://chat.example.com', severity, log: t.monitor.log, bookmarks },
      ...{ clock: t.clock, scheduler: t.clock, random: new SeededRandom(1), telemetry: silentTelemetry },
      send: async (event) => {
        tries.push(t.clock.now());
        const outcome = await state.answer();
        if (outcome.ok) got.push(event.id);
        return outcome;
      },
    });
  return { got, tries, state, make };
}

const store = (t: TestMonitor): MemoryStore => t.store as MemoryStore;
/** A host that is lost: some events of several severities. */
async function trouble(t: TestMonitor, agents: FakeFetcher): Promise<void> {
  agents.on('kvm-01').refuse();
  await t.clock.runFor(minutes(3));
  agents.on('kvm-01').recover();
  await t.clock.runFor(minutes(2));
}
const ids = (t: TestMonitor): string[] => t.events().map(({ id }) => id);

async function world(): Promise<{ t: TestMonitor; agents: FakeFetcher }> {
  const agents = new FakeFetcher().host('kvm-01', { vms: { 'web-01': { status: 'Up' } } });
  const t = await createTestMonitor({ fetcher: agents });
  await t.clock.runFor(minutes(1));
  return { t, agents };
}

describe('a sink', () => {
  it('gets what comes after it was added, each event once and in order, of its severity and worse', async () => {
    const { t, agents } = await world();
    await using _ = t;
    const before = ids(t).length;
    expect(before).toBeGreaterThan(0);
    const all = receiver(t, store(t).bookmarks);
    const worst = receiver(t, undefined, 'ERROR');
    const [one, two] = [all.make(), worst.make()];
    one.start();
    two.start();
    await trouble(t, agents);
    expect(all.got.length).toBeGreaterThan(3);
    expect(all.got).toEqual(ids(t).slice(before));
    const errors = t
      .events()
      .slice(before)
      .filter(({ severity }) => severity === 'ERROR' || severity === 'ALERT');
    expect(worst.got).toEqual(errors.map(({ id }) => id));
    expect(one.state()).toMatchObject({ mode: 'waiting', lagRecords: 0, delivered: all.got.length, lastError: null });
    await one.stop();
    await two.stop();
  });

  it('that is away is tried again, less and less often, and misses nothing; its place alone is kept', async () => {
    const { t, agents } = await world();
    await using _ = t;
    const before = ids(t).length;
    const chat = receiver(t, store(t).bookmarks);
    chat.state.answer = () => failed();
    const sink = chat.make();
    sink.start();
    await trouble(t, agents);
    await t.clock.runFor(minutes(60));
    expect(chat.got).toEqual([]);
    expect(sink.state()).toMatchObject({ mode: 'retrying', lastError: 'HTTP 500', delivered: 0 });
    expect(sink.state().lagRecords).toBeGreaterThan(3);
    // From one second to five minutes.
    expect(chat.tries.length).toBeLessThan(40);
    const gaps = chat.tries.slice(1).map((at, i) => at - (chat.tries[i] ?? 0));
    expect(gaps[0]).toBeLessThanOrEqual(1000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(300_000);
    chat.state.answer = () => ({ ok: true });
    await t.clock.runFor(minutes(5));
    expect(chat.got).toEqual(ids(t).slice(before));
    expect(sink.state()).toMatchObject({ mode: 'waiting', lagRecords: 0, failures: 0, failingSince: null });
    await sink.stop();
  });

  it('waits as long as its receiver asks for', async () => {
    const { t, agents } = await world();
    await using _ = t;
    const chat = receiver(t, undefined);
    chat.state.answer = () => failed('HTTP 429', 120_000);
    const sink = chat.make();
    sink.start();
    await trouble(t, agents);
    const gaps = chat.tries.slice(1).map((at, i) => at - (chat.tries[i] ?? 0));
    expect(gaps.length).toBeGreaterThan(0);
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(120_000);
    await sink.stop();
  });

  it('goes on at its place after a restart: what was on its way comes again, nothing else', async () => {
    const { t, agents } = await world();
    await using _ = t;
    const before = ids(t).length;
    const chat = receiver(t, store(t).bookmarks);
    let sink = chat.make();
    sink.start();
    await t.clock.runFor(seconds(1));
    let left = 2;
    chat.state.answer = () => (left-- > 0 ? { ok: true } : failed());
    await trouble(t, agents);
    expect(chat.got).toEqual(ids(t).slice(before, before + 2));
    await sink.stop();
    expect(sink.state().mode).toBe('stopped');
    chat.state.answer = () => ({ ok: true });
    sink = chat.make();
    sink.start();
    await t.clock.runFor(seconds(10));
    expect(chat.got).toEqual(ids(t).slice(before));
    // A crash after the answer and before the bookmark: once more, under the same key.
    await store(t).bookmarks.save('chat', sink.state().cursor ?? '');
    await sink.stop();
  });

  it('goes on while its place cannot be written, which is made up for later', async () => {
    const { t, agents } = await world();
    await using _ = t;
    let away = true;
    let saved = '';
    const chat = receiver(t, {
      load: async () => new Map([['chat', t.monitor.log.head()]]),
      save: async (_name, cursor) => {
        if (away) throw new Error('the database is away');
        saved = cursor;
      },
    });
    const sink = chat.make();
    sink.start();
    await trouble(t, agents);
    expect([chat.got.length > 3, saved]).toEqual([true, '']);
    away = false;
    await sink.stop();
    expect(saved).toBe(sink.state().cursor);
  });

  it('writes nothing while nothing comes, and leaves no timer', async () => {
    const { t } = await world();
    await using _ = t;
    let saves = 0;
    const chat = receiver(t, {
      load: async () => new Map(),
      save: async () => {
        saves += 1;
      },
    });
    const sink = chat.make();
    sink.start();
    await t.clock.runFor(minutes(30));
    expect([saves, t.clock.waiting().get('sink') ?? 0]).toEqual([1, 0]);
    await sink.stop();
  });

  it('begins again behind what the log has removed', async () => {
    const { t, agents } = await world();
    await using _ = t;
    const chat = receiver(t, store(t).bookmarks);
    await store(t).bookmarks.save('chat', 'e1.0');
    await trouble(t, agents);
    await store(t).removeRecords({ keep: 5 });
    const kept = ids(t).slice(-1);
    const sink = chat.make();
    sink.start();
    await t.clock.runFor(seconds(5));
    expect(chat.got.slice(-1)).toEqual(kept);
    expect(sink.state().lagRecords).toBe(0);
    await sink.stop();
  });

  it('can be stopped while it sends and while it waits to try again', async () => {
    const { t, agents } = await world();
    await using _ = t;
    const chat = receiver(t, undefined);
    chat.state.answer = () => failed();
    const sink = chat.make();
    sink.start();
    await trouble(t, agents);
    await sink.stop();
    const tries = chat.tries.length;
    await t.clock.runFor(minutes(20));
    expect(chat.tries).toHaveLength(tries);
  });
});
