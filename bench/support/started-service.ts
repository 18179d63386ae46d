import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const FILE = fileURLToPath(new URL('./watched-serve.js', import.meta.url));
const LOOK_MS = 5;

export interface LoopFigures {
  readonly maxMs: number;
  readonly p99Ms: number;
  readonly rssMiB: number;
  /** Of the process since it began. */
  readonly cpuMs: number;
}

export interface Backfill {
  readonly done: number;
  readonly total: number;
}

/** `vurti serve` on a database, from the moment its process begins. */
export class StartedService {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #began = performance.now();
  readonly #dataDir = mkdtempSync(join(tmpdir(), 'vurti-bench-start-'));
  #said = '';

  private constructor(port: number, database: string, schema: string) {
    this.url = `http://127.0.0.1:${port}`;
    this.#child = fork(FILE, ['serve', '--listen', `127.0.0.1:${port}`, '--data-dir', this.#dataDir], {
      env: {
        ...process.env,
        DATABASE_URL: database,
        VURTI_DATABASE_SCHEMA: schema,
        // Nothing of the log is to be removed while it is counted.
        VURTI_EVENTS_MAX_ROWS: '100000000',
      },
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const hear = (chunk: Buffer): void => {
      this.#said += chunk.toString('utf8');
    };
    this.#child.stdout?.on('data', hear);
    this.#child.stderr?.on('data', hear);
  }

  static async start(database: string, schema: string): Promise<StartedService> {
    return new StartedService(await freePort(), database, schema);
  }

  /** Milliseconds since the process began, when the condition holds for an answer. */
  async when(path: string, holds: (answer: Response) => boolean): Promise<number> {
    for (;;) {
      const answer = await fetch(`${this.url}${path}`).catch(() => null);
      await answer?.arrayBuffer();
      if (answer !== null && holds(answer)) return performance.now() - this.#began;
      if (this.#child.exitCode !== null) throw new Error(`The service ended: ${this.#said}`);
      await wait(LOOK_MS);
    }
  }

  async json<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.url}${path}`);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  async backfill(): Promise<Backfill | null> {
    return (await this.json<{ readonly backfill: Backfill | null }>('/api/v1/status')).backfill;
  }

  /** Where the service said that it goes on; null: it did not say so. */
  async wentOnAt(): Promise<number | null> {
    const line = this.#said.split('\n').find((one) => one.includes('A migration goes on in the background'));
    return line === undefined ? null : (JSON.parse(line) as { readonly done: number }).done;
  }

  /** Of its event loop since the last call. */
  async loop(): Promise<LoopFigures> {
    const answer = once(this.#child, 'message');
    this.#child.send({});
    const [figures] = await answer;
    return figures as LoopFigures;
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.kill(signal);
      await ended;
    }
    rmSync(this.#dataDir, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No port');
  return address.port;
}
