import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import type { LogRecord } from '../../../src/events/index.js';
import { RealTime, randomInt, SeededRandom, VurtiError } from '../../../src/kernel/index.js';
import type { BatchingCommitter } from '../../../src/store/batching-committer.js';
import type { PostgresStore } from '../../../src/store/index.js';
import { loadAll } from '../../store/contract.js';
import { MemoryFiles } from '../../store/journal/memory-files.js';
import { vmSet } from '../../store/samples.js';
import { ask, openStore, type PostgresHarness, postgresHarness } from './harness.js';
import { Relay } from './relay.js';

const LIVES = process.env['VURTI_SOAK'] === '1' ? 200 : 10;

let harness: PostgresHarness;

beforeAll(async () => {
  harness = await postgresHarness(inject('databaseUrl'));
});

afterAll(async () => {
  await harness.drop();
});

const toOf = (record: LogRecord): number => (record.kind === 'change' ? Number(record.changes[0]?.to) : -1);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Ends what a machine that went down has left on the server. */
async function forgetSessions(): Promise<void> {
  await ask(
    harness.url,
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and application_name like 'vurti %'`,
  );
}

it(`${LIVES} processes on one database and one journal, each killed at some step: what was kept is in the log, once`, async () => {
  const time = new RealTime();
  const random = new SeededRandom(77);
  const promised = new Set<number>();
  let files = new MemoryFiles(time);
  let given = 0;
  let keptLives = 0;
  for (let life = 0; life < LIVES; life++) {
    const { relay, connection } = await Relay.before(harness.url);
    let down = false;
    let steps = 0;
    const downAt = randomInt(random, 3, 60);
    const die = (): void => {
      down = true;
      relay.silence();
    };
    files.before = async () => {
      steps += 1;
      if (steps >= downAt) die();
      if (down) await new Promise(() => undefined);
    };
    const opening = openStore(connection, {
      journal: { files, maxBytes: 1e7 },
      flush: { records: 20, rows: 20 },
      retry: { firstMs: 5, mostMs: 40 },
      stopWithinMs: 0,
    });
    let store: PostgresStore | null = null;
    opening.then(
      (opened) => {
        store = opened;
      },
      () => undefined,
    );
    while (store === null && !down) await pause(5);
    const { committer } = (store as PostgresStore | null) ?? {};
    if (committer !== undefined) {
      committer.committed$.subscribe((records) => {
        for (const record of records) promised.add(toOf(record));
      });
      const shown: number[] = [];
      let kept = false;
      for (let action = 0; action < 12 && !down; action++) {
        const what = random.next();
        if (what < 0.15) relay.hangUpAfter('commit');
        else if (what < 0.4) await harness.away();
        else if (what < 0.55) await harness.back();
        for (let i = randomInt(random, 1, 20); i > 0; i--) {
          const number = given++;
          committer.commit(vmSet(`vm-${number % 3}`, String(number)), () => {
            if (down) return;
            shown.push(number);
            if (committer.state().journal?.mode !== 'keeping') return;
            kept = true;
            for (const one of shown.splice(0)) promised.add(one);
          });
        }
        await pause(randomInt(random, 0, 40));
      }
      if (kept) keptLives += 1;
    }
    die();
    // It is dead, but this process is not: it must not go on trying.
    (committer as BatchingCommitter | undefined)?.fence(new VurtiError('STOPPED', 'the machine is down'));
    await harness.back();
    relay.cut();
    await relay.close();
    await forgetSessions();
    files = files.afterCrash(time, random);
  }
  const last = await openStore(harness.url, { journal: { files, maxBytes: 1e7 } });
  expect(last.committer.state().journal).toMatchObject({ mode: 'idle', flushes: 0, setAside: [] });
  const records = await last.logReader.read({ epoch: 0, seq: 0 }, 1_000_000);
  const log = records.map(toOf);
  expect(log).toEqual([...new Set(log)].sort((a, b) => a - b));
  expect([...promised].filter((number) => !log.includes(number))).toEqual([]);
  expect(keptLives).toBeGreaterThan(LIVES / 5);
  for (const { id, guestOs } of await loadAll(last, 'vm_dynamic')) {
    expect(Number(guestOs)).toBe(log.findLast((number) => `vm-${number % 3}` === id));
  }
  await last.close();
});
