import { describe, expect, it } from 'vitest';
import { SeededRandom, silentTelemetry, VirtualTime, VurtiError } from '../../src/kernel/index.js';
import { type DatabaseAway, openPatiently } from '../../src/monitor/await-database.js';
import { databaseError } from '../../src/store/postgres/database-error.js';

const refused = (): VurtiError =>
  databaseError(Object.assign(new Error('connect ECONNREFUSED 10.0.0.9:5432'), { code: 'ECONNREFUSED' }));

function setup(answers: () => unknown, seconds = 60) {
  const time = new VirtualTime();
  const told: DatabaseAway[] = [];
  const attempts: number[] = [];
  const ending = new AbortController();
  const opened = openPatiently(
    async () => {
      attempts.push(time.monotonic());
      const answer = answers();
      if (answer instanceof Error) throw answer;
      return answer;
    },
    {
      ...{ seconds, signal: ending.signal, onAway: (away: DatabaseAway) => told.push(away) },
      ...{ clock: time, scheduler: time, telemetry: silentTelemetry, random: new SeededRandom(1) },
      journalBytes: async () => 2048,
    },
  );
  const outcome = opened.then(
    (value) => value,
    (error: unknown) => error,
  );
  return { time, told, attempts, ending, outcome };
}

describe('a start without its database', () => {
  it('waits, says since when and why, and goes on when it answers', async () => {
    let up = false;
    const { time, told, attempts, outcome } = setup(() => (up ? 'store' : refused()));
    const began = time.now();
    await time.runFor(30_000);
    expect(told.at(-1)).toEqual({
      ...{ since: began, attempts: attempts.length, journalBytes: 2048 },
      lastError: 'PostgreSQL: connect ECONNREFUSED 10.0.0.9:5432',
    });
    expect(attempts.length).toBeGreaterThan(6);
    expect(Math.max(...attempts.map((at, n) => at - (attempts[n - 1] ?? 0)))).toBeLessThanOrEqual(5000);
    up = true;
    await time.runFor(5000);
    expect(await outcome).toBe('store');
    expect(time.waiting().size).toBe(0);
  });

  it('gives up in the end, as the last attempt did', async () => {
    const { time, outcome } = setup(refused, 20);
    await time.runFor(20_000);
    expect(await outcome).toMatchObject({ code: 'DATABASE_UNREACHABLE' });
    expect(time.monotonic()).toBe(20_000);
  });

  it('gives up at once when it is to wait for nothing', async () => {
    const { attempts, outcome } = setup(refused, 0);
    expect(await outcome).toMatchObject({ code: 'DATABASE_UNREACHABLE' });
    expect(attempts).toHaveLength(1);
  });

  it('ends with the service', async () => {
    const { time, ending, outcome } = setup(refused);
    await time.runFor(3000);
    ending.abort();
    expect(await outcome).toMatchObject({ code: 'STOPPED' });
    expect(time.waiting().size).toBe(0);
  });
});

const coded = (code: string, message = code, more: object = {}): Error =>
  Object.assign(new Error(message), { code, ...more });

it.each<[string, boolean, unknown]>([
  ['nobody listens', true, coded('ECONNREFUSED')],
  [
    'nobody listens at either address',
    true,
    new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')], 'both'),
  ],
  ['no socket in its folder', true, coded('ENOENT', 'no such file', { syscall: 'connect' })],
  ['its name is not known yet', true, coded('ENOTFOUND')],
  ['it is starting', true, coded('57P03', 'the database system is starting up')],
  ['it has no connection left', true, coded('53300', 'too many clients already')],
  ['it does not answer in time', true, new Error('timeout expired')],
  ['it broke off', true, new Error('Connection terminated unexpectedly')],
  ['a deadline of ours', true, new VurtiError('DATABASE_UNREACHABLE', 'looking took longer than 30000 ms')],
  ['a wrong password', false, coded('28P01')],
  ['no such database', false, coded('3D000')],
  ['no right to make a schema', false, coded('42501')],
  ['no file of certificates', false, coded('ENOENT', 'no such file', { syscall: 'open' })],
  ['no TLS there', false, new Error('The server does not support SSL connections')],
  ['the database of an engine', false, new VurtiError('DATABASE_OF_ENGINE', 'vdc_options')],
  ['a newer schema', false, new VurtiError('SCHEMA_NEWER', 'newer')],
  ['in use', false, new VurtiError('DATABASE_IN_USE', 'in use')],
])('%s: waited for: %s', async (_, waits, error) => {
  let first = true;
  const { time, attempts, outcome } = setup(() => {
    if (!first) return 'store';
    first = false;
    return databaseError(error);
  });
  await time.runFor(1000);
  expect(await outcome).toEqual(waits ? 'store' : databaseError(error));
  expect(attempts).toHaveLength(waits ? 2 : 1);
});
