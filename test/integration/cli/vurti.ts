import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
export const main = join(root, 'dist/cli/main.js');

/** Commands run compiled, as they ship. */
export function ensureBuilt(): void {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/ensure-built.mjs')], { stdio: 'inherit' });
  if (status !== 0) throw new Error('The build failed');
}

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command that runs in a process of its own. */
export class Running {
  out = '';
  err = '';
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #heard = new Set<() => void>();

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    child.stdout.setEncoding('utf8').on('data', (text: string) => this.#hear('out', text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.#hear('err', text));
    this.ended = once(child, 'close').then(([code]) => ({ code: code as number | null, out: this.out, err: this.err }));
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Resolves when this has been said on either stream; rejects when the command ends without it. */
  said(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!this.out.includes(text) && !this.err.includes(text)) return;
        this.#heard.delete(look);
        resolve();
      };
      this.#heard.add(look);
      look();
      void this.ended.then(({ out, err }) => reject(new Error(`it ended without "${text}": ${out}${err}`)));
    });
  }

  #hear(stream: 'out' | 'err', text: string): void {
    this[stream] += text;
    for (const look of [...this.#heard]) look();
  }
}

/** The commands of one data directory. */
export class Vurti {
  readonly dir = mkdtempSync(join(tmpdir(), 'vurti-cli-'));
  readonly #env: Record<string, string>;
  readonly #running = new Set<Running>();

  constructor(env: Record<string, string> = {}) {
    const { DATABASE_URL: _, NO_COLOR: __, FORCE_COLOR: ___, ...inherited } = process.env;
    // Ten seconds of every test are not spent waiting for the first interval.
    const quick = {
      VURTI_POLL_INTERVAL_SECONDS: '1',
      VURTI_POLL_DEADLINE_SECONDS: '0.8',
      VURTI_POLL_TICKS_PER_INTERVAL: '1',
    };
    this.#env = {
      ...(inherited as Record<string, string>),
      ...quick,
      VURTI_DATA_DIR: join(this.dir, 'data'),
      VURTI_SERVER_LISTEN: '127.0.0.1:0',
      LANG: 'C.UTF-8',
      ...env,
    };
  }

  start(...argv: string[]): Running {
    const running = new Running(spawn(process.execPath, [main, ...argv], { cwd: this.dir, env: this.#env }));
    this.#running.add(running);
    void running.ended.then(() => this.#running.delete(running));
    return running;
  }

  run(...argv: string[]): Promise<Ended> {
    return this.start(...argv).ended;
  }

  /** In a shell, for pipes. */
  shell(line: string): Promise<Ended> {
    const command = `vurti() { "${process.execPath}" "${main}" "$@"; }; ${line}`;
    return new Running(spawn('bash', ['-c', command], { cwd: this.dir, env: this.#env })).ended;
  }

  async end(): Promise<void> {
    const all = [...this.#running];
    for (const running of all) running.signal('SIGTERM');
    await Promise.all(all.map((running) => running.ended));
    rmSync(this.dir, { recursive: true, force: true });
  }
}
