import { describe, expect, it } from 'vitest';
import { silentTelemetry, VirtualTime } from '../../src/kernel/index.js';
import { Retention } from '../../src/monitor/retention.js';
import { MemoryStore } from '../../src/store/index.js';
import { vmChange } from '../store/samples.js';

const DAY = 86_400_000;

function world(settings: { retentionDays: number; maxRows: number }) {
  const time = new VirtualTime();
  const store = new MemoryStore({ clock: time, scheduler: time });
  const calls: number[] = [];
  const counted = {
    committer: store.committer,
    removeRecords: async (limits: Parameters<MemoryStore['removeRecords']>[0]) => {
      const removed = await store.removeRecords(limits);
      calls.push(removed);
      return removed;
    },
  };
  const retention = new Retention({
    ...{ store: counted, settings, clock: time, scheduler: time, telemetry: silentTelemetry },
  });
  const write = async (count: number): Promise<void> => {
    store.committer.commit({
      rows: [],
      records: Array.from({ length: count }, (_, i) => vmChange('x', i, time.now())),
    });
    await time.runFor(1000);
  };
  const kept = async (): Promise<[number, number]> => {
    const { oldest, head } = await store.logReader.bounds();
    return [oldest.seq, head.seq];
  };
  return { time, store, retention, calls, write, kept };
}

describe('Retention', () => {
  it('removes what is older than its days, and what is too much, in chunks with pauses', async () => {
    const { time, retention, calls, write, kept } = world({ retentionDays: 1, maxRows: 15_000 });
    await write(12_000);
    retention.start();
    await time.runFor(120_000);
    expect(calls).toEqual([0, 0]);
    await time.runFor(DAY / 2);
    await write(10_000);
    calls.length = 0;
    await time.runFor(61_000);
    expect(calls.slice(0, 2)).toEqual([5000, 2000]);
    expect(await kept()).toEqual([7000, 22_000]);
    await time.runFor(DAY / 2);
    expect(await kept()).toEqual([12_000, 22_000]);
    expect(retention.figures()).toMatchObject({ removed: 12_000, removing: false, lastError: null });
    retention.stop();
    expect([...time.waiting()]).toEqual([]);
  });

  it('says why it could not, and tries again; waits while the database is away', async () => {
    const { time, store, retention, calls, write } = world({ retentionDays: 0, maxRows: 10 });
    await write(100);
    const real = store.removeRecords.bind(store);
    store.removeRecords = () => Promise.reject(new Error('deadlock'));
    retention.start();
    await time.runFor(60_000);
    expect(retention.figures()).toMatchObject({ removed: 0, lastError: 'deadlock' });
    store.removeRecords = real;
    store.setOutage('away');
    await write(1);
    await time.runFor(60_000);
    expect(calls).toEqual([]);
    store.setOutage(null);
    await time.runFor(70_000);
    expect(retention.figures()).toMatchObject({ removed: 91, lastError: null });
    retention.stop();
  });

  it('removes nothing where all is to be kept, until a limit is set', async () => {
    const settings = { retentionDays: 0, maxRows: 0 };
    const { time, calls, write, retention } = world(settings);
    await write(100);
    retention.start();
    await time.runFor(600_000);
    expect(calls).toEqual([]);
    settings.maxRows = 10;
    await time.runFor(70_000);
    expect(retention.figures()).toMatchObject({ removed: 90 });
    retention.stop();
  });
});
