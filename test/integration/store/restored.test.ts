import { NEVER } from 'rxjs';
import { expect, inject, it } from 'vitest';
import { formatCursor } from '../../../src/events/index.js';
import type { PostgresStore } from '../../../src/store/index.js';
import { LogTail, type TailFrame } from '../../../src/tail/index.js';
import { vmSet } from '../../store/samples.js';
import { createDatabase } from '../setup/database.js';
import { ask, openStore, StoppedClock } from './harness.js';

/** A clean life of a service that begins so many minutes after the first one. */
async function life<T>(url: string, minute: number, work: (store: PostgresStore) => Promise<T>): Promise<T> {
  const store = await openStore(url, { clock: new StoppedClock(minute) });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

async function write(store: PostgresStore, records: number): Promise<string> {
  for (let i = 0; i < records; i++) store.committer.commit(vmSet('vm-1', `os ${i}`));
  await store.committer.flushed();
  return formatCursor((await store.logReader.bounds()).head);
}

async function framesAfter(store: PostgresStore, after: string): Promise<TailFrame[]> {
  const frames: TailFrame[] = [];
  for await (const frame of new LogTail(store.logReader, NEVER).resume({ after, follow: false })) frames.push(frame);
  return frames;
}

const told = (frames: readonly TailFrame[]) =>
  frames.map((frame) => (frame.is === 'gap' ? `${frame.gap.reason} → ${frame.cursor}` : frame.cursor));

it('a backup that was made while the service was stopped: cursors from after it are never taken for places in what follows', async () => {
  const original = await createDatabase();
  const name = new URL(original.url).pathname.slice(1);
  const backup = `${name}_backup`;
  try {
    const kept = await life(original.url, 0, (store) => write(store, 3));
    await ask(inject('databaseUrl'), `CREATE DATABASE ${backup} TEMPLATE ${name}`);
    const lost = await life(original.url, 5, (store) => write(store, 4));
    const restored = original.url.replace(name, backup);
    await life(restored, 9, async (store) => {
      // As far as the lost history had come, and further.
      await write(store, 6);
      expect(told(await framesAfter(store, lost))).toEqual([
        'foreign → e6.3',
        ...['e10.4', 'e10.5', 'e10.6', 'e10.7', 'e10.8', 'e10.9'],
      ]);
      expect(told(await framesAfter(store, kept))[0]).toBe('e10.4');
    });
  } finally {
    await ask(inject('databaseUrl'), `DROP DATABASE IF EXISTS ${backup}`);
    await original.drop();
  }
});

it('a database made anew: cursors of the old one go on at its beginning, and that is said', async () => {
  const [old, fresh] = [await createDatabase(), await createDatabase()];
  try {
    const place = await life(old.url, 0, (store) => write(store, 3));
    await life(fresh.url, 5, async (store) => {
      await write(store, 4);
      expect(told(await framesAfter(store, place))).toEqual(['foreign → e6.0', ...['e6.1', 'e6.2', 'e6.3', 'e6.4']]);
    });
  } finally {
    await old.drop();
    await fresh.drop();
  }
});
