import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { silentTelemetry, type Telemetry } from '../../../src/kernel/index.js';
import { StatementCounter } from '../../../src/store/index.js';
import { loadAll, seen } from '../../store/contract.js';
import { fullRow, vmRow, vmSet, vmStatistics } from '../../store/samples.js';
import { ask, openStore, type PostgresHarness, postgresHarness } from './harness.js';
import { Relay } from './relay.js';

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function makeHarness(): Promise<PostgresHarness> {
  const harness = await postgresHarness(inject('databaseUrl'));
  cleanups.push(() => harness.drop());
  return harness;
}

async function behindRelay(harness: PostgresHarness) {
  const made = await Relay.before(harness.url);
  cleanups.push(() => made.relay.close());
  return made;
}

const LOCK_SESSIONS = `select pid from pg_locks where locktype = 'advisory' and granted and objsubid = 2
  and database = (select oid from pg_database where datname = current_database())`;

async function killLockSession(harness: PostgresHarness): Promise<void> {
  const rows = await ask(harness.url, `select pg_terminate_backend(pid, 5000) from (${LOCK_SESSIONS}) held`);
  expect(rows).toHaveLength(1);
}

describe('the lock', () => {
  it('refuses a second writer and names the first', async () => {
    const harness = await makeHarness();
    const first = await openStore(harness.url, { holder: { host: 'host-a', pid: 4711 } });
    await expect(harness.open()).rejects.toMatchObject({
      code: 'DATABASE_IN_USE',
      message: expect.stringMatching(
        /^Schema "vurti" is in use by process 4711 on host-a \(since \d{4}-\d\d-\d\dT.*Z\)$/,
      ),
      details: { host: 'host-a', pid: 4711 },
    });
    // Refused without having disturbed the first one.
    first.committer.commit(vmSet('vm-1', 'os'));
    await first.committer.flushed();
    await first.close();
    const next = await harness.open();
    expect(await loadAll(next, 'vm_dynamic')).toHaveLength(1);
  });

  it('is one per schema', async () => {
    const harness = await makeHarness();
    const first = await harness.open();
    const other = await openStore(harness.url, { schema: 'Other "schema"' });
    other.committer.commit(vmSet('vm-2', 'os'));
    await other.committer.flushed();
    expect(await loadAll(first, 'vm_dynamic')).toEqual([]);
    expect(await loadAll(other, 'vm_dynamic')).toHaveLength(1);
    await other.close();
  });

  it('belongs to the one who took over: a third writer is refused again', async () => {
    const harness = await makeHarness();
    const first = await harness.open();
    const fenced = vi.fn();
    const told = await openStore(harness.url, { takeOver: true, holder: { host: 'host-b', pid: 2 }, onFenced: fenced });
    await expect(harness.open()).rejects.toThrow('is in use by process 2 on host-b');
    // The first one notices by itself, without having anything to write.
    await harness.until(() => first.committer.state().failingSince !== null);
    await expect(first.committer.flushed()).rejects.toThrow(/process 2 on host-b .* took it over/);
    expect(fenced).not.toHaveBeenCalled();
    expect(told.epoch).toBe(2);
    await told.close();
  });

  it('is taken again when its session is lost, in a new epoch', async () => {
    const harness = await makeHarness();
    const store = await openStore(harness.url);
    const told = seen(store);
    store.committer.commit(vmSet('vm-1', 'os 1'));
    await store.committer.flushed();
    await killLockSession(harness);
    await harness.until(() => store.epoch === 2);
    store.committer.commit(vmSet('vm-1', 'os 2'));
    await store.committer.flushed();
    expect(told.map((record) => record.cursor)).toEqual(['e1.1', 'e2.2']);
    await expect(harness.open()).rejects.toMatchObject({ code: 'DATABASE_IN_USE' });
    await store.close();
    await openStore(harness.url).then(async (next) => {
      expect(next.epoch).toBe(2);
      await next.close();
    });
  });

  it('is wrested from a session of ours that the server still believes in', async () => {
    const harness = await makeHarness();
    const { relay, connection } = await behindRelay(harness);
    const store = await openStore(connection);
    relay.silence();
    relay.cut();
    relay.speak();
    await harness.until(() => store.epoch === 2);
    store.committer.commit(vmSet('vm-1', 'os'));
    await store.committer.flushed();
    expect(await loadAll(store, 'vm_dynamic')).toHaveLength(1);
    await store.close();
  });

  it('goes to whoever comes first when its session is lost; the former holder is fenced', async () => {
    const harness = await makeHarness();
    const { relay, connection } = await behindRelay(harness);
    const fenced = vi.fn();
    const first = await openStore(connection, { onFenced: fenced });
    relay.silence();
    await killLockSession(harness);
    const second = await harness.open();
    second.committer.commit(vmSet('vm-1', 'of the second'));
    await second.committer.flushed();
    relay.cut();
    relay.speak();
    first.committer.commit(vmSet('vm-1', 'of the first'));
    await expect(first.committer.flushed()).rejects.toMatchObject({ code: 'DATABASE_FENCED' });
    await harness.until(() => fenced.mock.calls.length > 0);
    expect((await loadAll(second, 'vm_dynamic')).map((row) => row.guestOs)).toEqual(['of the second']);
    await first.close();
    second.committer.commit(vmSet('vm-1', 'of the second again'));
    await second.committer.flushed();
  });

  it('opens a new epoch after a writer that ended without a goodbye', async () => {
    const harness = await makeHarness();
    const { relay, connection } = await behindRelay(harness);
    const first = await openStore(connection, { stopWithinMs: 0 });
    relay.silence();
    await first.close();
    relay.cut();
    await ask(harness.url, `select pg_terminate_backend(pid, 5000) from (${LOCK_SESSIONS}) held`);
    const second = await openStore(harness.url);
    expect(second.epoch).toBe(2);
    await second.close();
  });
});

describe('a flush', () => {
  // In one piece each statement is sent with its text once only: the rows' values tell where a flush is.
  const moments = (value: string) => ({
    'in one piece': { atOnceRows: 200, commit: value, before: [] },
    'step by step': {
      ...{ atOnceRows: 0, commit: 'commit' },
      before: ['begin', 'update', 'insert into "vurti"."vm_dynamic"', 'insert into "vurti"."log_record"'],
    },
  });

  for (const way of ['in one piece', 'step by step'] as const) {
    it(`whose commit was not confirmed is not written twice, ${way}`, async () => {
      const harness = await makeHarness();
      const { relay, connection } = await behindRelay(harness);
      const { atOnceRows } = moments('')[way];
      const store = await openStore(connection, { atOnceRows, retry: { firstMs: 5, mostMs: 20 } });
      const told = seen(store);
      for (let round = 0; round < 5; round++) {
        relay.hangUpAfter(moments(`os ${round}`)[way].commit);
        store.committer.commit(vmSet('vm-1', `os ${round}`));
        store.committer.commit(vmSet('vm-2', `os ${round}`));
        await store.committer.flushed();
        expect(relay.hungUp).toBe(true);
      }
      expect(told.map((record) => record.seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      expect(await store.logReader.read({ epoch: 1, seq: 0 }, 100)).toEqual(told);
      await store.close();
    });
  }

  it('whose commit did not arrive is written again', async () => {
    const harness = await makeHarness();
    const { relay, connection } = await behindRelay(harness);
    const store = await openStore(connection, { atOnceRows: 0, retry: { firstMs: 5, mostMs: 20 } });
    const told = seen(store);
    for (const moment of moments('')['step by step'].before) {
      relay.hangUpAfter(moment);
      store.committer.commit(vmSet('vm-1', moment));
      await store.committer.flushed();
      expect(relay.hungUp).toBe(true);
    }
    expect(told.map((record) => record.seq)).toEqual([1, 2, 3, 4]);
    expect(await store.logReader.read({ epoch: 1, seq: 0 }, 100)).toEqual(told);
    await store.close();
  });

  it('that is small takes one statement for its number, one per table and one for its records, and no more', async () => {
    const harness = await makeHarness();
    const counter = new StatementCounter();
    const store = await harness.open({ counter });
    counter.reset();
    store.committer.commit(vmSet('vm-1', 'os'));
    await store.committer.flushed();
    const sent = counter.statements().map(({ verb, table, rows }) => [verb, table, rows]);
    expect(sent).toEqual([
      ['update', 'shard', 1],
      ['insert', 'vm_dynamic', 1],
      ['insert', 'log_record', 1],
    ]);
  });

  it('in one piece of which a statement is refused leaves nothing behind, and the session works on', async () => {
    const harness = await makeHarness();
    const store = await harness.open();
    await ask(
      harness.url,
      `create function refuse() returns trigger language plpgsql as $$
        begin if new.vm_guid = 'vm-7' then raise exception 'I do not like it'; end if; return new; end $$;
        create trigger t before insert or update on vurti.vm_dynamic for each row execute function refuse();`,
    );
    const pids = async () =>
      await ask(harness.url, `select pid from pg_stat_activity where application_name like '%writer%' order by pid`);
    // The session is there, with nothing of vm_dynamic prepared.
    store.committer.commit({ rows: [fullRow('vm_jobs', 0)], records: [] });
    await store.committer.flushed();
    const before = await pids();
    expect(before).not.toEqual([]);
    for (const os of ['os 1', 'os 2']) {
      store.committer.commit({ rows: [vmRow('vm-7', { guestOs: os }), vmRow('vm-8', { guestOs: os })], records: [] });
      store.committer.commit(vmSet('vm-9', os));
      await store.committer.flushed();
    }
    expect((await loadAll(store, 'vm_dynamic')).map(({ id, guestOs }) => [id, guestOs])).toEqual([
      ['vm-8', 'os 2'],
      ['vm-9', 'os 2'],
    ]);
    expect((await store.logReader.read({ epoch: 1, seq: 0 }, 100)).map(({ seq }) => seq)).toEqual([1, 2]);
    expect(store.committer.state()).toMatchObject({ failingSince: null, waitingRows: 0, waitingRecords: 0 });
    expect(await pids()).toEqual(before);
  });

  it('that gets no answer is cut at its deadline and tried again', async () => {
    const harness = await makeHarness();
    const { relay, connection } = await behindRelay(harness);
    const store = await openStore(connection, { flushDeadlineMs: 300, retry: { firstMs: 5, mostMs: 20 } });
    store.committer.commit(vmSet('vm-1', 'os 1'));
    await store.committer.flushed();
    relay.silence();
    store.committer.commit(vmSet('vm-1', 'os 2'));
    const flushed = store.committer.flushed();
    await harness.until(() => store.committer.state().failingSince !== null);
    expect(store.committer.state().lastError).toBe('PostgreSQL: a flush took longer than 300 ms');
    relay.speak();
    await flushed;
    expect((await loadAll(store, 'vm_dynamic')).map((row) => row.guestOs)).toEqual(['os 2']);
    await store.close();
  });

  it('sets aside what somebody’s trigger refuses, by every way a row is written, and writes the rest', async () => {
    const harness = await makeHarness();
    const store = await harness.open();
    const refusing = ['vm_dynamic', 'vm_statistics'] as const;
    await ask(
      harness.url,
      `create function refuse() returns trigger language plpgsql as $$
        begin if new.vm_guid = 'vm-7' then raise exception 'I do not like it'; end if; return new; end $$;
        ${refusing.map((table) => `create trigger t before insert or update on vurti.${table} for each row execute function refuse();`).join('')}`,
    );
    const ids = Array.from({ length: 60 }, (_, i) => `vm-${i}`);
    store.committer.commit({ rows: [vmRow('vm-7'), vmRow('vm-8')], records: [] });
    store.committer.commit({ rows: ids.map((id) => vmStatistics(id, 1)), records: [] });
    await store.committer.flushed();
    expect(store.committer.state()).toMatchObject({ failingSince: null, waitingRows: 0 });
    expect(store.committer.state().setAside.map(({ kind, key, message }) => [kind, key, message])).toEqual(
      refusing.map((kind) => [kind, '["vm-7"]', 'I do not like it']),
    );
    expect((await loadAll(store, 'vm_dynamic')).map((row) => row.id)).toEqual(['vm-8']);
    expect(await loadAll(store, 'vm_statistics')).toHaveLength(59);
  });

  it('leaves rows alone that are as they were', async () => {
    const harness = await makeHarness();
    const counter = new StatementCounter();
    const store = await harness.open({ counter });
    const rows = Array.from({ length: 1200 }, (_, i) => vmRow(`vm-${i}`, { guestContainers: [{ b: 1, a: [i] }] }));
    store.committer.commit({ rows, records: [] });
    await store.committer.flushed();
    counter.reset();
    store.committer.commit({ rows: [...rows, vmRow('vm-7', { guestOs: 'new' })], records: [] });
    await store.committer.flushed();
    expect(counter.rowsWritten('vm_dynamic')).toBe(1);
    expect(counter.statements('vm_dynamic')).toHaveLength(3);
    expect(counter.statements('log_record')).toEqual([]);
  });
});

describe('loading', () => {
  it('leaves a row out that is not understood, and names it', async () => {
    const harness = await makeHarness();
    const log = vi.fn<Telemetry['log']>();
    const store = await openStore(harness.url, { telemetry: { ...silentTelemetry, log } });
    store.committer.commit({ rows: [vmRow('vm-1'), vmRow('vm-2'), vmRow('vm-3')], records: [] });
    await store.committer.flushed();
    await ask(harness.url, "update vurti.vm_dynamic set status = 99 where vm_guid = 'vm-2'");
    expect((await loadAll(store, 'vm_dynamic')).map((row) => row.id)).toEqual(['vm-1', 'vm-3']);
    expect(log).toHaveBeenCalledWith('error', expect.any(String), {
      table: 'vm_dynamic',
      key: '["vm-2"]',
      message: 'status: nothing is known by the id 99',
    });
    await store.close();
  });
});
