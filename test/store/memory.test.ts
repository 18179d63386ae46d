import { describe, expect, it } from 'vitest';
import { VirtualTime } from '../../src/kernel/index.js';
import { MemoryStore, type MemoryStoreOptions } from '../../src/store/index.js';
import { describeStore, loadAll, type OpenOptions, type StoreHarness, seen } from './contract.js';
import { fullRow, vmSet } from './samples.js';

function harness(): StoreHarness {
  const time = new VirtualTime();
  let store: MemoryStore | undefined;
  return {
    async open({ counter, takeOver, ...tuning }: OpenOptions = {}) {
      store = new MemoryStore({
        clock: time,
        scheduler: time,
        ...tuning,
        ...(store === undefined ? {} : { previous: store }),
        ...(counter === undefined ? {} : { onStatement: counter.listener }),
        refuse: (write) =>
          'row' in write && 'jobType' in write.row && write.row.jobType === 'cursed' ? 'cursed' : null,
      });
      return store;
    },
    refusable: (id) => {
      const write = fullRow('vm_jobs', 0);
      return { ...write, row: { ...('row' in write ? write.row : {}), id, jobType: 'cursed' } } as typeof write;
    },
    away: async () => store?.setOutage('the cable is out'),
    back: async () => store?.setOutage(null),
    until: (condition) => time.runUntil(condition, { within: 60_000 }),
  };
}

describeStore('memory', async () => harness());

describe('MemoryStore', () => {
  const make = (options: Partial<MemoryStoreOptions> = {}): { time: VirtualTime; store: MemoryStore } => {
    const time = new VirtualTime();
    return { time, store: new MemoryStore({ clock: time, scheduler: time, ...options }) };
  };

  it('keeps a bounded log', async () => {
    const { store } = make({ maxRecords: 100 });
    for (let i = 0; i < 2500; i++) {
      store.committer.commit(vmSet('vm-1', `os ${i}`));
      if (i % 7 === 0) await store.committer.flushed();
    }
    await store.committer.flushed();
    const { oldest, head } = await store.logReader.bounds();
    expect([oldest.seq, head.seq]).toEqual([2400, 2500]);
    const records = await store.logReader.read(oldest, 1000);
    expect(records.map((record) => record.seq)).toEqual(Array.from({ length: 100 }, (_, i) => 2401 + i));
    await expect(store.logReader.read({ epoch: 1, seq: 2399 }, 1)).rejects.toMatchObject({ code: 'CURSOR_TOO_OLD' });
  });

  it('writes without anybody asking as soon as time goes on, and leaves no timer behind', async () => {
    const { store, time } = make();
    const told = seen(store);
    store.committer.commit(vmSet('vm-1', 'os'));
    expect(told).toHaveLength(0);
    await time.runFor(0);
    expect(told).toHaveLength(1);
    expect(await loadAll(store, 'vm_dynamic')).toHaveLength(1);
    await store.close();
    expect([...time.waiting()]).toEqual([]);
  });
});
