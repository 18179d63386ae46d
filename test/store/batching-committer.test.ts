import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { LogRecord } from '../../src/events/index.js';
import { silentTelemetry, type Telemetry, VurtiError } from '../../src/kernel/index.js';
import { setup, unreachable } from './fake-target.js';
import { deletionOf, vmChange, vmEvent, vmRow, vmSet, vmStatistics } from './samples.js';

const guestOs = (batch: { rows: readonly { write: object }[] } | undefined): unknown[] =>
  batch?.rows.map(({ write }) => ('row' in write ? (write.row as { guestOs?: unknown }).guestOs : 'deleted')) ?? [];

describe('gathering', () => {
  it('waits for others before a flush, but not longer than told', async () => {
    const { time, target, committer } = setup({ lingerMs: 20 });
    committer.commit(vmSet('vm-1', 'a'));
    await time.runFor(10);
    committer.commit(vmSet('vm-1', 'b'));
    await time.runFor(9);
    expect(target.calls).toBe(0);
    await time.runFor(1);
    expect(target.written).toHaveLength(1);
    expect(guestOs(target.written[0])).toEqual(['b']);
    expect(target.written[0]?.records).toHaveLength(2);
  });

  it('lets everything that comes during a flush be the next one', async () => {
    const { time, target, committer } = setup();
    const open = target.shut();
    committer.commit(vmSet('vm-1', 'a'));
    await time.runFor(10);
    for (const os of ['b', 'c', 'd']) committer.commit(vmSet('vm-1', os));
    expect(committer.state()).toMatchObject({ waitingRows: 2, waitingRecords: 4, flushes: 0, flushP99Ms: null });
    await time.runFor(100);
    expect(target.calls).toBe(1);
    open();
    await time.runFor(10);
    expect(target.written.map((batch) => batch.records.length)).toEqual([1, 3]);
    expect(target.written.map(guestOs)).toEqual([['a'], ['d']]);
    expect(committer.state()).toMatchObject({ waitingRows: 0, waitingRecords: 0, flushes: 2, flushP99Ms: 100 });
  });

  it('writes rows in one order, whatever order they were given in', async () => {
    const { target, committer } = setup();
    const writes = [vmStatistics('vm-1', 1), vmRow('vm-2'), vmRow('vm-10'), vmRow('vm-1')];
    committer.commit({ rows: writes, records: [vmChange('vm-1', 1)] });
    await committer.flushed();
    expect(target.written[0]?.rows.map((row) => [row.kind, row.key])).toEqual([
      ['vm_dynamic', '["vm-1"]'],
      ['vm_dynamic', '["vm-10"]'],
      ['vm_dynamic', '["vm-2"]'],
      ['vm_statistics', '["vm-1"]'],
    ]);
  });

  it('makes bounded flushes of a large backlog, each row with its records', async () => {
    const { target, committer } = setup({ flush: { records: 10, rows: 100 } });
    for (let i = 0; i < 35; i++) committer.commit(vmSet('vm-1', `os ${i}`));
    await committer.flushed();
    expect(target.written.map((batch) => batch.records.length)).toEqual([10, 10, 10, 5]);
    expect(target.written.flatMap(guestOs)).toEqual(['os 9', 'os 19', 'os 29', 'os 34']);
  });

  it('writes statistics last, in portions, each row once', async () => {
    const { target, committer } = setup({ flush: { records: 10, rows: 10 } });
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 25; i++) committer.commit({ rows: [vmStatistics(`vm-${i}`, round)], records: [] });
    }
    for (let i = 0; i < 25; i++) committer.commit(vmSet(`vm-${i}`, 'os'));
    expect(committer.state()).toMatchObject({ waitingRows: 50, waitingRecords: 25 });
    await committer.flushed();
    const sizes = target.written.map(({ rows, records }) => [rows.length, records.length]);
    expect(sizes).toEqual([
      [10, 10],
      [10, 10],
      [8, 5],
      [10, 0],
      [10, 0],
      [2, 0],
    ]);
    expect(target.written.flatMap((batch) => batch.rows).filter((row) => row.kind === 'vm_statistics')).toHaveLength(
      25,
    );
  });

  it('keeps portions of statistics small: a record that comes while one is written goes with the next', async () => {
    const { target, committer } = setup({ flush: { records: 10, rows: 100, statistics: 4 } });
    for (let i = 0; i < 10; i++) committer.commit({ rows: [vmStatistics(`vm-${i}`, 1)], records: [] });
    await committer.flushed();
    expect(target.written.map((batch) => batch.rows.length)).toEqual([4, 4, 2]);
    committer.commit({ rows: [vmStatistics('vm-1', 2), vmStatistics('vm-2', 2)], records: [] });
    committer.commit({ rows: [], records: [vmChange('vm-1', 1)] });
    await committer.flushed();
    // Where there is a record more may come: a quarter of a portion.
    expect(target.written.slice(3).map(({ rows, records }) => [rows.length, records.length])).toEqual([
      [1, 1],
      [1, 0],
    ]);
  });

  it('never writes older statistics over what a change set with records wrote', async () => {
    const { target, committer } = setup({ flush: { records: 1, rows: 100 } });
    committer.commit({ rows: [vmStatistics('vm-1', 1)], records: [] });
    committer.commit({ rows: [deletionOf(vmStatistics('vm-1', 1))], records: [vmChange('vm-1', 'gone')] });
    committer.commit({ rows: [], records: [vmChange('vm-2', 1)] });
    committer.commit({ rows: [vmStatistics('vm-1', 2)], records: [] });
    await committer.flushed();
    const statistics = target.written.map((batch) => batch.rows.map(({ write }) => 'deleted' in write));
    expect(statistics).toEqual([[true], [false]]);
  });
});

describe('flushed', () => {
  it('waits for what was given before, not for what comes after', async () => {
    const { target, committer } = setup({ flush: { records: 1, rows: 1 } });
    await committer.flushed();
    const order: string[] = [];
    committer.committed$.subscribe((records) => {
      order.push(...records.map((record) => record.cursor));
      if (records[0]?.seq === 1) committer.commit(vmSet('vm-9', 'later'));
    });
    committer.commit(vmSet('vm-1', 'a'));
    committer.commit({ rows: [vmStatistics('vm-1', 1)], records: [] });
    const first = committer.flushed().then(() => order.push('flushed'));
    await first;
    await committer.flushed();
    expect(order).toEqual(['e1.1', 'e1.2', 'flushed']);
    expect(target.written).toHaveLength(3);
  });
});

describe('a failing database', () => {
  it('is asked again after growing, capped and jittered pauses', async () => {
    const { time, target, committer } = setup({ lingerMs: 0, retry: { firstMs: 100, mostMs: 1000 } });
    target.failures.push(...Array.from({ length: 8 }, unreachable));
    committer.commit(vmSet('vm-1', 'a'));
    const times: number[] = [];
    let calls = 0;
    await time.runUntil(
      () => {
        if (target.calls > calls) {
          calls = target.calls;
          times.push(time.monotonic());
        }
        return target.written.length > 0;
      },
      { within: 60_000 },
    );
    const pauses = times.slice(1).map((at, i) => at - (times[i] ?? 0));
    expect(pauses).toHaveLength(8);
    for (const [i, pause] of pauses.entries()) {
      const full = Math.min(1000, 100 * 2 ** i);
      expect(pause).toBeGreaterThanOrEqual(full / 2);
      expect(pause).toBeLessThanOrEqual(full);
    }
  });

  it('gets the very same batch again, before anything newer', async () => {
    const { time, target, committer } = setup({ lingerMs: 0 });
    const seenBatches: unknown[] = [];
    const write = target.write.bind(target);
    target.write = (batch) => {
      seenBatches.push(batch);
      return write(batch);
    };
    target.failures.push(unreachable());
    committer.commit(vmSet('vm-1', 'a'));
    await time.runFor(1);
    expect(committer.state()).toMatchObject({ failingSince: time.now() - 1, lastError: 'the cable is out' });
    committer.commit(vmSet('vm-1', 'b'));
    await time.runFor(1000);
    expect(seenBatches[0]).toBe(seenBatches[1]);
    expect(target.written.map(guestOs)).toEqual([['a'], ['b']]);
    expect(committer.state()).toMatchObject({ failingSince: null, lastError: null });
  });

  it('gets one more chance at once when the committer is stopped', async () => {
    const { time, target, committer } = setup({ lingerMs: 0, retry: { firstMs: 60_000, mostMs: 60_000 } });
    target.failures.push(unreachable());
    committer.commit(vmSet('vm-1', 'a'));
    await time.runFor(1);
    await committer.stop();
    expect(target.written).toHaveLength(1);
    expect([...time.waiting()]).toEqual([]);
  });
});

describe('a refused row', () => {
  it('costs few probes among many, and the next time hardly any', async () => {
    const { target, committer } = setup();
    target.refused.add('vm-700');
    const rows = Array.from({ length: 1000 }, (_, i) => vmRow(`vm-${i}`));
    committer.commit({ rows, records: [vmChange('vm-700', 1)] });
    await committer.flushed();
    expect(target.probes.length).toBeLessThan(25);
    expect(target.written[0]?.rows).toHaveLength(999);
    expect(target.written[0]?.records).toHaveLength(1);
    target.probes.length = 0;
    committer.commit({ rows: rows.map((row) => row), records: [] });
    await committer.flushed();
    expect(target.probes).toHaveLength(1);
    expect(committer.state().setAside).toEqual([{ kind: 'vm_dynamic', key: '["vm-700"]', message: 'too odd' }]);
    target.refused.clear();
    committer.commit({ rows: [vmRow('vm-700')], records: [] });
    await committer.flushed();
    expect(committer.state().setAside).toEqual([]);
  });

  it('stays set aside when only an older write of it goes through', async () => {
    const { target, committer } = setup();
    const open = target.shut();
    committer.commit({ rows: [vmRow('vm-1')], records: [] });
    const flushed = committer.flushed();
    committer.commit({ rows: [vmRow('vm-1', { utcDiff: 0.5 })], records: [] });
    open();
    await flushed;
    expect(target.written).toHaveLength(1);
    expect(committer.state().setAside).toHaveLength(1);
  });

  it('that is the whole batch leaves nothing to write', async () => {
    const { target, committer } = setup();
    target.refused.add('vm-1');
    committer.commit({ rows: [vmRow('vm-1')], records: [] });
    await committer.flushed();
    expect(target.written).toEqual([]);
    expect(committer.state()).toMatchObject({ waitingRows: 0, failingSince: null });
  });

  it('is logged once, however often it is refused', async () => {
    const log = vi.fn<Telemetry['log']>();
    const { target, committer } = setup({ telemetry: { ...silentTelemetry, log } });
    target.refused.add('vm-1');
    for (let i = 0; i < 3; i++) {
      committer.commit({ rows: [vmRow('vm-1')], records: [] });
      await committer.flushed();
    }
    expect(log.mock.calls.filter(([level]) => level === 'error')).toHaveLength(1);
  });

  it('of the log does not hold up the rest of it', async () => {
    const { target, committer } = setup();
    target.refusesRecord = (message) => message === 'no';
    const records = ['a', 'no', 'b'].map((message) => vmEvent('vm-1', message));
    committer.commit({ rows: [vmRow('vm-1')], records });
    await committer.flushed();
    expect(target.written[0]?.records).toMatchObject([{ message: 'a' }, { message: 'b' }]);
    expect(committer.state().setAside).toMatchObject([{ kind: 'log_record', message: 'unspeakable' }]);
  });
});

describe('a take-over', () => {
  it('ends all writing and is told once', async () => {
    const onFenced = vi.fn();
    const { target, committer, time } = setup({ onFenced });
    target.failures.push(new VurtiError('DATABASE_FENCED', 'somebody else writes'));
    committer.commit(vmSet('vm-1', 'a'));
    await expect(committer.flushed()).rejects.toMatchObject({ code: 'DATABASE_FENCED' });
    committer.fence(new VurtiError('DATABASE_FENCED', 'again'));
    committer.commit(vmSet('vm-1', 'b'));
    await time.runFor(60_000);
    expect(target.calls).toBe(1);
    expect(onFenced).toHaveBeenCalledOnce();
    expect(committer.state()).toMatchObject({ lastError: 'somebody else writes', waitingRecords: 1 });
    await committer.stop();
    expect([...time.waiting()]).toEqual([]);
  });

  it('found out elsewhere still tells of what was committed before', async () => {
    const { target, committer } = setup();
    const told: LogRecord[] = [];
    committer.committed$.subscribe((records) => told.push(...records));
    const open = target.shut();
    committer.commit(vmSet('vm-1', 'a'));
    const flushed = expect(committer.flushed()).rejects.toMatchObject({ code: 'DATABASE_FENCED' });
    committer.fence(new VurtiError('DATABASE_FENCED', 'somebody else writes'));
    open();
    await flushed;
    await committer.stop();
    expect(told).toHaveLength(1);
    expect(committer.state().lastError).toBe('somebody else writes');
  });
});

describe('commit', () => {
  it('never throws, whatever it is given', async () => {
    const log = vi.fn<Telemetry['log']>();
    const { target, committer } = setup({ telemetry: { ...silentTelemetry, log } });
    const nonsense = [{ rows: [null], records: [] }, { rows: [{ kind: 'no_such' }], records: [] }, {}, null];
    for (const wrong of nonsense) committer.commit(wrong as unknown as Parameters<typeof committer.commit>[0]);
    committer.commit({ rows: [vmRow(1n as unknown as string)], records: [] });
    committer.commit(vmSet('vm-1', 'a'));
    await committer.flushed();
    expect(target.written).toHaveLength(1);
    expect(log.mock.calls.filter(([level]) => level === 'error')).toHaveLength(5);
  });
});

type Step =
  | { readonly vm: number; readonly with: 'record' | 'row' | 'statistics' | 'both' }
  | 'flush'
  | 'fail'
  | 'wait';

describe('whatever happens', () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({ vm: fc.nat(3), with: fc.constantFrom('record', 'row', 'statistics', 'both') }),
    },
    { weight: 1, arbitrary: fc.constantFrom<Step>('flush', 'fail', 'wait') },
  );

  it('records keep their order, no row is seen before its record, and the last write stays', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), fc.integer({ min: 1, max: 5 }), async (steps, limit) => {
        const { time, target, committer } = setup({ flush: { records: limit, rows: limit }, lingerMs: 5 });
        const given: string[] = [];
        const last = new Map<string, string>();
        const explained = new Set<string>();
        let version = 0;
        for (const what of steps) {
          if (what === 'fail') target.failures.push(unreachable());
          else if (what === 'wait') await time.runFor(7);
          else if (what === 'flush') void committer.flushed();
          else {
            const name = `v${++version}`;
            const id = `vm-${what.vm}`;
            if (what.with === 'statistics') {
              committer.commit({ rows: [vmStatistics(id, version)], records: [] });
              last.set(`vm_statistics ${id}`, String(version));
            } else {
              const set = vmSet(id, name);
              const rows = what.with === 'both' ? [...set.rows, vmStatistics(id, version)] : set.rows;
              committer.commit({ rows, records: what.with === 'row' ? [] : set.records });
              if (what.with === 'both') last.set(`vm_statistics ${id}`, String(version));
              if (what.with !== 'row') {
                given.push(name);
                explained.add(name);
              }
              last.set(`vm_dynamic ${id}`, name);
            }
          }
        }
        let done = false;
        void committer.flushed().then(() => {
          done = true;
        });
        await time.runUntil(() => done, { within: 10_000_000 });

        const logged = new Set<string>();
        const order: string[] = [];
        const rows = new Map<string, string>();
        for (const batch of target.written) {
          for (const record of batch.records) {
            const to = record.kind === 'change' ? String(record.changes[0]?.to) : '';
            order.push(to);
            logged.add(to);
          }
          for (const { kind, write } of batch.rows) {
            if (!('row' in write)) continue;
            const row = write.row as { id: string; guestOs?: string; cpuUser?: number };
            const value = kind === 'vm_dynamic' ? String(row.guestOs) : String(row.cpuUser);
            if (explained.has(value)) expect(logged).toContain(value);
            rows.set(`${kind} ${row.id}`, value);
          }
        }
        expect(order).toEqual(given);
        expect(rows).toEqual(last);
        expect(committer.state()).toMatchObject({ waitingRows: 0, waitingRecords: 0 });
      }),
      { numRuns: 200 },
    );
  });
});
