import { describe, expect, it, vi } from 'vitest';
import type { LogRecord } from '../../../src/events/index.js';
import { SeededRandom, silentTelemetry, type Telemetry, VirtualTime } from '../../../src/kernel/index.js';
import { type RowKind, rowKinds } from '../../../src/model/index.js';
import { BatchingCommitter } from '../../../src/store/batching-committer.js';
import { decodeEntry, encodeEntry } from '../../../src/store/journal/entry.js';
import { frame, HEAD_BYTES, pieceAt } from '../../../src/store/journal/frame.js';
import { MemoryContent } from '../../../src/store/memory/memory-content.js';
import { MemoryTarget } from '../../../src/store/memory/memory-target.js';
import { deletionOf, fullRow, vmChange, vmEvent, vmSet, vmStatistics } from '../samples.js';
import { MemoryFiles } from './memory-files.js';

const toOf = (record: LogRecord): unknown => (record.kind === 'change' ? record.changes[0]?.to : undefined);

/** One process after the other on one database and one folder. */
function world(maxBytes = 1e6) {
  const time = new VirtualTime();
  const content = new MemoryContent();
  const files = new MemoryFiles(time);
  const log = vi.fn<Telemetry['log']>();
  const start = async (given = files) => {
    const process = {};
    const writer = content.claim(process, 1);
    const target = new MemoryTarget({
      ...{ content, writer: process, maxRecords: 1e9, refuse: undefined, onStatement: undefined },
    });
    const committer = new BatchingCommitter({
      ...{ target, writer, clock: time, scheduler: time, random: new SeededRandom(1) },
      telemetry: { ...silentTelemetry, log },
      journal: { files: given, maxBytes },
      retry: { firstMs: 50, mostMs: 1000 },
      stopWithinMs: 5000,
    });
    const recovering = committer.recover();
    await time.runFor(5000);
    await recovering;
    const shown: string[] = [];
    const commit = (name: string): void =>
      committer.commit(vmSet('vm-1', name), () => {
        shown.push(name);
      });
    return { target, committer, shown, commit };
  };
  const told = (): unknown[] => content.records(1, content.window.head).map(toOf);
  const stop = async (committer: BatchingCommitter): Promise<void> => {
    const stopped = committer.stop();
    await time.runFor(20_000);
    await stopped;
  };
  return { time, content, files, log, start, told, stop };
}

describe('an entry', () => {
  it.each(Object.keys(rowKinds) as RowKind[])('gives rows of %s back as they were', async (kind) => {
    const writes = [0, 1, 2, 3].flatMap((i) => [fullRow(kind, i), deletionOf(fullRow(kind, i + 10))]);
    const rows = writes.map((write, ticket) => ({ kind, key: '', write, ticket }));
    const records = [vmChange('vm-1', { deep: ['ü', null] }), vmEvent('vm-1', 'line 1\nline 2')];
    const batch = { mark: { writer: 'a', number: 7 }, rows, records };
    const encoded = await encodeEntry(batch, { writer: 'z', number: 1 }, new VirtualTime());
    const entry = decodeEntry(encoded, 'a');
    expect(entry.refused).toEqual([]);
    expect(entry.after).toEqual({ writer: 'z', number: 1 });
    expect(entry.batch.mark).toEqual(batch.mark);
    expect(entry.batch.rows.map(({ write, ticket }) => ({ write, ticket }))).toEqual(
      rows.map(({ write, ticket }) => ({ write, ticket })),
    );
    expect(entry.batch.records).toEqual(records);
  });

  it('of another version: what is not known is named or left out, what is missing is initial', () => {
    const head = { v: 1, mark: { writer: 'old', number: 1 }, after: null, rows: 3, records: 0 };
    const lines = [
      { kind: 'vm_dynamic', ticket: 9, row: { id: 'vm-1', guestOs: 'x', hue: 'blue' } },
      { kind: 'vm_aura', ticket: 9, row: { id: 'vm-1' } },
      { kind: 'vm_dynamic', ticket: 9, row: { id: 'vm-2', status: 'Dancing' } },
    ];
    const text = [head, ...lines].map((line) => JSON.stringify(line)).join('\n');
    const { batch, refused } = decodeEntry(Buffer.from(text), 'new');
    expect(batch.rows).toHaveLength(1);
    expect(batch.rows[0]).toMatchObject({
      ticket: 0,
      write: { row: { id: 'vm-1', guestOs: 'x', appList: null } },
    });
    expect(batch.rows[0]?.write).not.toHaveProperty('row.hue');
    expect(refused.map(({ kind, key }) => [kind, key])).toEqual([
      ['vm_aura', '["vm-1"]'],
      ['vm_dynamic', '["vm-2"]'],
    ]);
  });
});

describe('frames', () => {
  it('find every entry around any damaged byte', () => {
    const contents = ['first', 'VJ1\nsecond', '', 'fourth'].map((text) => Buffer.from(text));
    const whole = Buffer.concat(contents.map((content) => frame(content)));
    const readAll = (bytes: Uint8Array): { texts: string[]; damaged: number } => {
      const texts: string[] = [];
      let damaged = 0;
      for (let piece = pieceAt(bytes, 0); piece !== null; piece = pieceAt(bytes, piece.to)) {
        if (piece.content === null) damaged += 1;
        else texts.push(Buffer.from(piece.content).toString());
      }
      return { texts, damaged };
    };
    expect(readAll(whole)).toEqual({ texts: ['first', 'VJ1\nsecond', '', 'fourth'], damaged: 0 });
    for (let at = 0; at < whole.length; at++) {
      const bad = Buffer.from(whole);
      bad[at] = (bad[at] ?? 0) ^ 0x41;
      const { texts, damaged } = readAll(bad);
      expect([at, texts.length, damaged]).toEqual([at, 3, 1]);
    }
    for (let length = 0; length < whole.length; length++) {
      const { texts } = readAll(whole.subarray(0, length));
      expect(texts).toEqual(['first', 'VJ1\nsecond', '', 'fourth'].slice(0, texts.length));
    }
    expect(HEAD_BYTES).toBe(16);
  });
});

describe('the journal', () => {
  it('is not touched while the database works', async () => {
    const { files, start, time, told } = world();
    const { commit, shown, committer } = await start();
    const calls: string[] = [];
    files.before = (call) => void calls.push(call);
    commit('a');
    expect(shown).toEqual(['a']);
    await time.runFor(100);
    expect(told()).toEqual(['a']);
    expect(calls).toEqual([]);
    expect(committer.state().journal).toMatchObject({ mode: 'idle', flushes: 0, bytes: 0 });
  });

  it('keeps what the database does not take before it is shown, and is gone when the database is back', async () => {
    const { files, start, time, told } = world();
    const { commit, shown, committer, target } = await start();
    const committed: unknown[] = [];
    committer.committed$.subscribe((records) => committed.push(...records.map(toOf)));
    target.outage = 'away';
    commit('a');
    expect(shown).toEqual(['a']);
    await time.runFor(100);
    commit('b');
    expect(shown).toEqual(['a']);
    await time.runFor(100);
    expect(shown).toEqual(['a', 'b']);
    committer.commit({ rows: [vmStatistics('vm-1', 5)], records: [] });
    expect(committer.state()).toMatchObject({
      waitingRecords: 2,
      waitingRows: 3,
      journal: { mode: 'keeping', flushes: 2, records: 2 },
    });
    expect([...files.files.keys()]).toEqual(['journal-000001.log']);
    target.outage = null;
    await time.runFor(5000);
    expect(told()).toEqual(['a', 'b']);
    expect(committed).toEqual(['a', 'b']);
    expect([...files.files.keys()]).toEqual([]);
    expect(committer.state()).toMatchObject({ waitingRecords: 0, waitingRows: 0, journal: { mode: 'idle', bytes: 0 } });
    commit('c');
    expect(shown).toEqual(['a', 'b', 'c']);
  });

  it('keeps what hangs, and what comes behind it', async () => {
    const { start, time, told } = world();
    const { commit, shown, committer, target } = await start();
    const write = target.write.bind(target);
    let answer: () => void = () => undefined;
    target.write = async (batch) => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return await write(batch);
    };
    commit('a');
    await time.runFor(3000);
    commit('b');
    await time.runFor(50);
    expect(shown).toEqual(['a', 'b']);
    expect(committer.state()).toMatchObject({ failingSince: null, journal: { mode: 'keeping', flushes: 2 } });
    target.write = write;
    answer();
    await time.runFor(1000);
    expect(told()).toEqual(['a', 'b']);
    expect(committer.state().journal).toMatchObject({ mode: 'idle', bytes: 0 });
  });

  it('is written by the next process before anything else', async () => {
    const { start, time, told, stop, content } = world();
    const first = await start();
    first.commit('0');
    await time.runFor(100);
    first.target.outage = 'away';
    for (const name of ['a', 'b', 'c']) {
      first.commit(name);
      await time.runFor(50);
    }
    first.commit('at the stop');
    await stop(first.committer);
    expect(first.shown).toEqual(['0', 'a', 'b', 'c', 'at the stop']);
    expect(told()).toEqual(['0']);
    const second = await start();
    expect(told()).toEqual(['0', 'a', 'b', 'c', 'at the stop']);
    expect((content.rows('vm_dynamic')[0] as { guestOs: string }).guestOs).toBe('at the stop');
    expect(second.committer.state().journal).toMatchObject({ mode: 'idle', bytes: 0, setAside: [] });
  });

  it('that was kept for a database that others have written to since is set aside', async () => {
    const { start, time, told, stop, files, log } = world();
    const first = await start();
    first.commit('0');
    await time.runFor(100);
    first.target.outage = 'away';
    first.commit('a');
    await time.runFor(100);
    await stop(first.committer);
    // Somebody else, on another machine.
    const other = await start(new MemoryFiles(time));
    other.commit('of the other');
    await time.runFor(100);
    await stop(other.committer);
    const third = await start();
    expect(told()).toEqual(['0', 'of the other']);
    expect([...files.files.keys()]).toEqual(['journal-000001.log.foreign']);
    expect(third.committer.state().journal).toMatchObject({ setAside: ['journal-000001.log.foreign'], flushes: 0 });
    expect(log).toHaveBeenCalledWith('error', expect.stringContaining('another state'), expect.anything());
  });

  it('with a damaged middle: the rest is written, the file is kept and named', async () => {
    const { start, time, told, stop, files, log } = world();
    const first = await start();
    first.target.outage = 'away';
    for (const name of ['a', 'b', 'c']) {
      first.commit(name);
      await time.runFor(100);
    }
    await stop(first.committer);
    const file = files.files.get('journal-000001.log');
    const middle = Buffer.from(file?.bytes ?? []).indexOf('"b"');
    file?.bytes.set([0x58], middle + 1);
    const second = await start();
    expect(told()).toEqual(['a', 'c']);
    expect(log).toHaveBeenCalledWith('error', expect.stringContaining('cannot be read'), expect.anything());
    expect(second.committer.state().journal).toMatchObject({ setAside: ['journal-000001.log.damaged'], flushes: 0 });
    expect([...files.files.keys()]).toEqual(['journal-000001.log.damaged']);
  });

  it('that is full says so; what comes then waits in memory, is shown at once and is written in order', async () => {
    const { start, time, told, log } = world(6000);
    const { commit, shown, committer, target } = await start();
    target.outage = 'away';
    const names = Array.from({ length: 40 }, (_, i) => `n${i}`);
    for (const name of names) {
      commit(name);
      await time.runFor(30);
    }
    expect(shown).toEqual(names);
    const { journal, waitingRecords } = committer.state();
    expect(journal?.mode).toBe('full');
    expect(journal?.bytes).toBeLessThanOrEqual(6000);
    expect(waitingRecords).toBe(40);
    expect(log).toHaveBeenCalledWith('error', expect.stringContaining('is full'), expect.anything());
    target.outage = null;
    await time.runFor(5000);
    expect(told()).toEqual(names);
    expect(committer.state().journal).toMatchObject({ mode: 'idle', bytes: 0 });
  });

  it.each(['append', 'sync', 'syncFolder'])(
    'whose disk fails at %s says so, and goes on when it works again',
    async (call) => {
      const { start, time, told, files, stop } = world();
      const { commit, shown, committer, target } = await start();
      files.failures.set(call, new Error('ENOSPC: no space left on device'));
      target.outage = 'away';
      for (const name of ['a', 'b', 'c']) {
        commit(name);
        await time.runFor(100);
      }
      expect(shown).toEqual(['a', 'b', 'c']);
      expect(committer.state()).toMatchObject({
        waitingRecords: 3,
        journal: { mode: 'failed', lastError: 'ENOSPC: no space left on device' },
      });
      files.failures.clear();
      await time.runFor(3000);
      expect(committer.state()).toMatchObject({ waitingRecords: 3, journal: { mode: 'keeping', lastError: null } });
      await stop(committer);
      await start();
      expect(told()).toEqual(['a', 'b', 'c']);
    },
  );
});
