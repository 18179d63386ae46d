import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { RealTime, type Scheduler, silentTelemetry } from '../../../src/kernel/index.js';
import { EmbeddedPostgres, type EmbeddedPostgresOptions } from '../../../src/store/embedded/index.js';
import { listProcesses } from '../../../src/store/embedded/processes.js';
import { installSources, ownerIn } from './installation.js';

export const isRoot = process.geteuid?.() === 0;

/** Where owners run from if nothing else is said; made for each file that imports this. */
let sources = '';
beforeAll(async () => {
  sources = await openFolder();
  await installSources(sources);
});
afterAll(() => rm(sources, { recursive: true, force: true }));

/** A folder that is removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await openFolder();
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Others may enter it, as they may enter /var/lib. */
async function openFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'vurti-test-')));
  await chmod(folder, 0o755);
  return folder;
}

export type Embedded = EmbeddedPostgres & { readonly time: RealTime };

/** Started in this process, stopped after the test if the test did not do it. */
export async function start(dataDir: string, more: Partial<EmbeddedPostgresOptions> = {}): Promise<Embedded> {
  const time = new RealTime();
  const database = await EmbeddedPostgres.start({
    dataDir,
    clock: time,
    scheduler: time,
    telemetry: silentTelemetry,
    ...more,
  });
  onTestFinished(() => database.stop());
  return Object.assign(database, { time });
}

/** A machine on which ten seconds pass in one: for deadlines that a test would have to wait for. */
export function inHaste(): Pick<EmbeddedPostgresOptions, 'clock' | 'scheduler'> {
  const time = new RealTime();
  const clock = { now: () => time.now(), monotonic: () => time.monotonic() * 10 };
  const scheduler: Scheduler = {
    at: (due, task, label) => time.at(due / 10, task, label),
    after: (delay, task, label) => time.after(delay / 10, task, label),
    yield: () => time.yield(),
    waiting: () => time.waiting(),
  };
  return { clock, scheduler };
}

export async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** All processes of the server with this data directory, by the tag that they bear. */
export async function serversOf(dataDir: string): Promise<number[]> {
  const { dev, ino } = await stat(join(dataDir, 'postgresql', 'data'), { bigint: true });
  const tag = `vurti-${dev.toString(16)}-${ino.toString(16)}`;
  const all = await listProcesses();
  return all.filter(({ command }) => command.includes(`${tag}:`) || command.endsWith(tag)).map(({ pid }) => pid);
}

export interface Owner {
  readonly process: ChildProcess;
  readonly said: { pid: number; url: string; adopted: boolean };
  kill(): Promise<void>;
  /** Lets it stop its server and end by itself; gives its last word. */
  end(): Promise<{ stopped: boolean; timers: string[] }>;
}

interface OwnerOptions {
  settings?: Record<string, string>;
  /** Where its program and node_modules lie, see installation.ts. */
  installation?: string;
  env?: Record<string, string>;
}

/** Another process that owns a server, see owner.ts. Fails with what it says if it cannot start one. */
export async function startOwner(dataDir: string, options: OwnerOptions = {}): Promise<Owner> {
  const { settings = {}, installation = sources, env = {} } = options;
  const child = spawn(process.execPath, [ownerIn(installation), dataDir, JSON.stringify(settings)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const gone = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Record<string, unknown>> => {
    const line = await lines.next();
    if (line.done === true) throw new Error('The owner ended without a word');
    return JSON.parse(line.value) as Record<string, unknown>;
  };
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await gone;
  };
  onTestFinished(kill);
  const said = await next();
  if ('error' in said) throw Object.assign(new Error('The owner failed'), said['error']);
  return {
    process: child,
    said: said as unknown as Owner['said'],
    kill,
    async end() {
      child.stdin.end();
      const last = await next();
      await gone;
      return last as unknown as { stopped: boolean; timers: string[] };
    },
  };
}

/** Ends what a killed owner left, if a test ends in between. Call it before the owner is started. */
export function sweepAfter(dataDir: string): void {
  onTestFinished(async () => {
    for (const pid of await serversOf(dataDir).catch(() => [])) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone already.
      }
    }
  });
}
