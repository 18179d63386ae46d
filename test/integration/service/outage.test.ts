import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RealTime, randomInt, SeededRandom, silentTelemetry } from '../../../src/kernel/index.js';
import { type Simulation, startSimulation } from '../../../src/simulator/index.js';
import { EmbeddedPostgres } from '../../../src/store/embedded/index.js';
import { ask } from '../store/harness.js';
import { keepBusy } from './busy-fleet.js';
import { ensureBuilt } from './child-service.js';

const ROUNDS = process.env['VURTI_SOAK'] === '1' ? 25 : 2;
const HOSTS = 4;
const VMS = 60;

let folder: string;
let server: EmbeddedPostgres;
let simulation: Simulation;
let child: ChildProcess | undefined;

const startServer = (): Promise<EmbeddedPostgres> => {
  const time = new RealTime();
  return EmbeddedPostgres.start({ dataDir: folder, clock: time, scheduler: time, telemetry: silentTelemetry });
};

beforeAll(async () => {
  ensureBuilt();
  folder = await mkdtemp(join(tmpdir(), 'vurti-outage-'));
  await chmod(folder, 0o711);
  server = await startServer();
  simulation = await startSimulation({
    ...{ hosts: HOSTS, vms: VMS, seed: 11, life: 'none', faults: 'none', sampleMs: 500, protocol: 'http' },
  });
});

afterAll(async () => {
  child?.kill('SIGKILL');
  await simulation?.stop();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

/**
 * An application with the library in it. What it is shown on changes$ goes to a file before anything else happens, so
 * that it outlasts the process that is killed.
 */
const application = `
import { appendFileSync } from 'node:fs';
const { library, seen, life, options } = JSON.parse(process.argv[2]);
const { createMonitor } = await import(library);
const monitor = await createMonitor(options);
monitor.changes$.subscribe((change) => {
  if (!('from' in change)) return;
  const { name, changes, cause } = change;
  const id = (change.vm ?? change.host).id;
  const idle = monitor.status().database.journal.mode === 'idle';
  appendFileSync(seen, JSON.stringify({ life, idle, change: { id, changes, cause } }) + '\\n');
});
await monitor.start();
await monitor.until('synced');
const { database } = monitor.status();
console.log(JSON.stringify({ synced: true, journal: database.journal }));
setInterval(() => {
  const { readiness, condition, database } = monitor.status();
  console.log(JSON.stringify({ readiness, condition, journal: database.journal, waiting: database.waitingRecords }));
}, 100);
`;

interface Said {
  readonly synced?: true;
  readonly readiness?: string;
  readonly condition?: string;
  readonly waiting?: number;
  readonly journal: { readonly mode: string; readonly flushes: number; readonly setAside: readonly string[] } | null;
}

/** Starts it; what it says comes by `until`. */
async function startApplication(life: number) {
  const script = join(folder, 'application.mjs');
  await writeFile(script, application);
  const hosts = simulation.endpoints().map(({ id, name, address, port, protocol, cluster }) => ({
    ...{ id, name, address, port, protocol, cluster, tls: null },
  }));
  const options = {
    database: { url: server.url, journal: { folder: join(folder, 'journal') } },
    settings: { poll: { intervalSeconds: 1, deadlineSeconds: 0.8 }, statistics: { persistIntervalSeconds: 1 } },
    hosts,
  };
  const library = pathToFileURL(join(import.meta.dirname, '../../../dist/index.js')).href;
  const started = spawn(
    process.execPath,
    [script, JSON.stringify({ library, seen: join(folder, 'seen'), life, options })],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  child = started;
  const lines = createInterface({ input: started.stdout })[Symbol.asyncIterator]();
  return {
    async until(condition: (said: Said) => boolean): Promise<Said> {
      for (;;) {
        const { value, done } = await lines.next();
        if (done === true) throw new Error('The application ended');
        const said = JSON.parse(value) as Said;
        if (condition(said)) return said;
      }
    },
    async kill(): Promise<void> {
      const gone = new Promise((resolve) => started.once('exit', resolve));
      started.kill('SIGKILL');
      await gone;
    },
  };
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Seen {
  readonly life: number;
  readonly idle: boolean;
  readonly change: object;
}

async function seenLines(): Promise<Seen[]> {
  const text = await readFile(join(folder, 'seen'), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Seen);
}

it(
  `PostgreSQL stopped under a busy fleet, the process killed, both started again (${ROUNDS} times): all that was on changes$ is in the log, once`,
  async () => {
    const random = new SeededRandom(5);
    let kept = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const app = await startApplication(round);
      // On a busy machine a flush of its own may take so long that it is kept meanwhile.
      const first = await app.until((said) => said.synced === true && said.journal?.mode !== 'keeping');
      // What the process before it left has been written, and nothing had to be set aside.
      expect(first.journal).toMatchObject({ mode: 'idle', flushes: 0, setAside: [] });
      const calm = keepBusy(simulation, random);
      await wait(500);
      await server.stop();
      const away = await app.until((said) => said.condition === 'degraded' && (said.journal?.flushes ?? 0) > 0);
      expect(away).toMatchObject({ readiness: 'serving', journal: { mode: 'keeping' } });
      const before = (await seenLines()).length;
      await expect.poll(async () => (await seenLines()).length - before, { timeout: 20_000 }).toBeGreaterThan(20);
      kept += 1;
      if (round % 2 === 0) {
        await app.kill();
        server = await startServer();
      } else {
        // In the middle of the way back.
        server = await startServer();
        await wait(randomInt(random, 0, 2500));
        await app.kill();
      }
      calm();
    }
    expect(kept).toBe(ROUNDS);
    const last = await startApplication(ROUNDS);
    await last.until((said) => said.synced === true);
    await last.until((said) => said.waiting === 0);
    await last.kill();

    const rows = await ask<{ seq: number; vm_id: string; host_id: string; payload: Record<string, unknown> }>(
      server.url,
      'select seq::int, vm_id, host_id, payload from vurti.log_record where kind = 0 order by seq',
    );
    const logged = new Map<string, number>();
    for (const { payload } of rows) {
      const key = keyOf({ id: payload['entityId'], changes: payload['changes'], cause: payload['cause'] });
      logged.set(key, (logged.get(key) ?? 0) + 1);
    }
    const seen = await seenLines();
    expect(seen.length).toBeGreaterThan(ROUNDS * 20);
    expect(new Set(seen.map(({ change }) => keyOf(change))).size).toBe(seen.length);
    for (let life = 0; life <= ROUNDS; life++) {
      const lines = seen.filter((line) => line.life === life);
      // The database worked again when it was killed: the last flush may have been under way, as at all times.
      while (lines.at(-1)?.idle === true && !logged.has(keyOf(lines.at(-1)?.change))) lines.pop();
      expect(lines.filter(({ change }) => logged.get(keyOf(change)) !== 1)).toEqual([]);
    }
    const [head] = await ask<{ head: number; count: number }>(
      server.url,
      'select head::int, (select count(*)::int from vurti.log_record) as count from vurti.shard',
    );
    expect(head?.count).toBe(head?.head);
  },
  ROUNDS * 60_000 + 60_000,
);

/** PostgreSQL keeps the members of an object in an order of its own. */
function keyOf(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
