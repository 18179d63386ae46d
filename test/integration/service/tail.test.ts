import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RealTime, randomInt, SeededRandom, silentTelemetry } from '../../../src/kernel/index.js';
import { type Simulation, startSimulation } from '../../../src/simulator/index.js';
import { EmbeddedPostgres } from '../../../src/store/embedded/index.js';
import { framesOf } from '../../server/sse.js';
import { ChildService, ensureBuilt } from './child-service.js';

const soak = process.env['VURTI_SOAK'] === '1';
const BEHIND = soak ? 1_000_000 : 20_000;
const DISCONNECTS = soak ? 50 : 10;
const RESTARTS = soak ? 5 : 2;

const folder = mkdtempSync(join(tmpdir(), 'vurti-tail-'));
const time = new RealTime();
let postgres: EmbeddedPostgres;
let simulation: Simulation;
let service: ChildService;

const startPostgres = (): Promise<EmbeddedPostgres> =>
  EmbeddedPostgres.start({ dataDir: folder, clock: time, scheduler: time, telemetry: silentTelemetry });

beforeAll(async () => {
  ensureBuilt();
  chmodSync(folder, 0o711); // For root, whose PostgreSQL runs as another user.
  postgres = await startPostgres();
  simulation = await startSimulation({ hosts: 2, vms: 30, seed: 7, life: 'none', faults: 'none', sampleMs: 500 });
  service = new ChildService(`mode: observer\n${simulation.inventoryYaml()}`, {
    DATABASE_URL: postgres.url,
    VURTI_POLL_INTERVAL_SECONDS: '1',
    VURTI_POLL_DEADLINE_SECONDS: '0.8',
  });
});

afterAll(async () => {
  await service?.stop();
  await simulation?.stop();
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function sql<R extends pg.QueryResultRow>(text: string): Promise<R[]> {
  const client = new pg.Client(postgres.url);
  await client.connect();
  try {
    return (await client.query<R>(text)).rows;
  } finally {
    await client.end();
  }
}

/** As if the service had run for long: what it wrote so far, again and again, under the numbers that follow. */
async function fill(): Promise<void> {
  await sql(`
    INSERT INTO vurti.log_record
      (seq, epoch, kind, name, severity, time, host_id, vm_id, cluster_id, correlation, payload)
    SELECT s.head + n, s.epoch, r.kind, r.name, r.severity, r.time, r.host_id, r.vm_id, r.cluster_id, r.correlation, r.payload
    FROM vurti.shard s, generate_series(1, ${BEHIND}) AS n
      JOIN vurti.log_record r ON r.seq = 1 + n % (SELECT count(*) FROM vurti.log_record)`);
  await sql(`UPDATE vurti.shard SET head = head + ${BEHIND}`);
}

/** A client by the standard: it comes back with the last id it was given, whatever happens. */
class Reader {
  readonly seqs: number[] = [];
  readonly gaps: unknown[] = [];
  connections = 0;
  connected = false;
  #last = '';
  #request: http.ClientRequest | undefined;
  #stopped = false;
  readonly #query: string;
  readonly done: Promise<void>;

  constructor(query: string) {
    this.#query = query;
    this.done = this.#run();
  }

  get place(): number {
    return Number(this.#last.split('.')[1] ?? 0);
  }

  disconnect(): void {
    this.#request?.destroy();
  }

  stop(): Promise<void> {
    this.#stopped = true;
    this.disconnect();
    return this.done;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await this.#connection().catch(() => undefined);
      this.connected = false;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async #connection(): Promise<void> {
    if (!service.running) return;
    const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
      const headers = this.#last === '' ? {} : { 'last-event-id': this.#last };
      const url = `${service.url}/api/v1/events/stream?after=oldest&${this.#query}`;
      this.#request = http.get(url, { headers, agent: false }, resolve).once('error', reject);
    });
    if (response.statusCode !== 200) {
      response.resume();
      return;
    }
    this.connections += 1;
    this.connected = true;
    let rest = '';
    for await (const chunk of response.setEncoding('utf8')) {
      const parsed = framesOf(rest + String(chunk));
      rest = parsed.rest;
      for (const { event, id, data } of parsed.frames) {
        if (event === 'gap') this.gaps.push(data);
        if (event === 'event' || event === 'change' || event === 'intent') this.seqs.push(Number(id.split('.')[1]));
        this.#last = id;
      }
    }
  }
}

/** A reader that has not come further in so many looks, 30 s, does not move any more. */
const MOST_STILL = 120;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Something happens all the time. */
function busy(random: SeededRandom): () => void {
  const names = simulation.fleet.vms().map((vm) => vm.name);
  const timer = setInterval(() => {
    const vm = simulation.fleet.vm(names[randomInt(random, 0, names.length - 1)] as string);
    if (vm.status === 'Up') vm.pause('ENOSPC');
    else if (vm.status === 'Paused') vm.resume();
  }, 50);
  return () => clearInterval(timer);
}

it(
  `${BEHIND} records behind, ${DISCONNECTS} disconnects, ${RESTARTS} restarts of the service, one of PostgreSQL: all of it, once`,
  async () => {
    const random = new SeededRandom(5);
    await service.start();
    await expect
      .poll(async () => Number((await sql<{ head: string }>('SELECT head FROM vurti.shard'))[0]?.head), {
        timeout: 20_000,
      })
      .toBeGreaterThan(30);
    await service.terminate();
    await fill();
    const calm = busy(random);
    await service.start();
    const readers = [
      new Reader('kind=event,change,intent'),
      new Reader('severity=warning'),
      new Reader('kind=change&type=vm.changed'),
    ];
    const troubles = [
      ...Array.from({ length: DISCONNECTS }, () => 'disconnect'),
      ...Array.from({ length: RESTARTS }, (_, i) => (i % 2 === 0 ? 'kill' : 'restart')),
      'postgres',
    ];
    while (troubles.length > 0) {
      const [trouble] = troubles.splice(randomInt(random, 0, troubles.length - 1), 1);
      await pause(randomInt(random, 50, soak ? 2000 : 400));
      // A service that is still starting gives up when its database goes away; one that serves does not.
      if (trouble === 'disconnect' || trouble === 'postgres') {
        await expect.poll(() => readers.every((reader) => reader.connected), { timeout: 30_000 }).toBe(true);
      }
      if (trouble === 'disconnect') for (const reader of readers) reader.disconnect();
      if (trouble === 'kill') await service.kill();
      if (trouble === 'restart') await service.terminate();
      if (trouble === 'postgres') {
        await postgres.stop();
        postgres = await startPostgres();
      }
      if (!service.running) await service.start();
    }
    await pause(1500);
    calm();
    await pause(3000);
    const head = async (): Promise<number> =>
      Number((await sql<{ head: string }>('SELECT head FROM vurti.shard'))[0]?.head);
    // A reader with filters learns by checkpoints that it has come to the end. How long a million takes is the machine's.
    const behindNow = async (): Promise<number> => (await head()) - Math.min(...readers.map((reader) => reader.place));
    let behind = await behindNow();
    for (let still = 0; behind > 0 && still < MOST_STILL; ) {
      await pause(250);
      const now = await behindNow();
      still = now < behind ? 0 : still + 1;
      behind = now;
    }
    expect(behind).toBe(0);
    for (const reader of readers) await reader.stop();
    const wanted = async (where: string): Promise<number[]> =>
      (await sql<{ seq: number }>(`SELECT seq::int AS seq FROM vurti.log_record WHERE ${where} ORDER BY seq`)).map(
        ({ seq }) => seq,
      );
    const [all, warnings, changes] = [
      await wanted('true'),
      await wanted('severity >= 1'),
      await wanted("name = 'vm.changed'"),
    ];
    expect(all).toHaveLength(await head());
    expect(all.length).toBeGreaterThan(BEHIND + 30);
    expect(readers.map((reader) => reader.gaps)).toEqual([[], [], []]);
    for (const [i, expected] of [all, warnings, changes].entries()) {
      const seqs = readers[i]?.seqs ?? [];
      expect(seqs.length).toBe(expected.length);
      // Millions of numbers are not to be printed when one is wrong.
      expect(seqs.findIndex((seq, at) => seq !== expected[at])).toBe(-1);
    }
    expect(warnings.length).toBeGreaterThan(0);
    for (const reader of readers) expect(reader.connections).toBeGreaterThan(DISCONNECTS);
  },
  soak ? 3_600_000 : 150_000,
);
