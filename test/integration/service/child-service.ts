import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const main = join(root, 'dist/cli/main.js');

/** The service runs compiled, as it ships. */
export function ensureBuilt(): void {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/ensure-built.mjs')], { stdio: 'inherit' });
  if (status !== 0) throw new Error('The build failed');
}

/** `vurti serve` in a process of its own, to be killed. */
export class ChildService {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'vurti-service-'));
  readonly #settings: string;
  readonly #environment: Record<string, string>;
  #child: ChildProcess | undefined;
  #url = '';
  #said = '';
  #ended: Promise<number | null> = Promise.resolve(null);

  constructor(yaml: string, environment: Record<string, string>) {
    this.#settings = join(this.dataDir, 'vurti.yaml');
    this.#environment = environment;
    writeFileSync(this.#settings, yaml);
  }

  get url(): string {
    return this.#url;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** All that it wrote so far. */
  get said(): string {
    return this.#said;
  }

  /** Its exit code, when it ends by itself. */
  get ended(): Promise<number | null> {
    return this.#ended;
  }

  /** Starts it and resolves when its API answers, as before its sockets alone do. */
  async start(...flags: string[]): Promise<void> {
    const where = ['--config', this.#settings, '--data-dir', this.dataDir, '--listen', '127.0.0.1:0'];
    const args = [main, 'serve', ...where, ...flags];
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...this.#environment, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#said = '';
    this.#ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
    this.#url = await new Promise<string>((resolve, reject) => {
      const listen = (chunk: Buffer): void => {
        this.#said += chunk.toString('utf8');
        const match = /http:\/\/127\.0\.0\.1:\d+/.exec(this.#said);
        if (match !== null) resolve(match[0]);
      };
      child.stdout.on('data', listen);
      child.stderr.on('data', listen);
      child.on('error', reject);
      child.on('exit', (code) => reject(new Error(`The service ended (${code}): ${this.#said}`)));
    });
    while (child.exitCode === null && !(await this.#apiAnswers())) await new Promise((next) => setTimeout(next, 20));
  }

  async #apiAnswers(): Promise<boolean> {
    try {
      const { ok, body } = await fetch(`${this.#url}/openapi.json`);
      await body?.cancel();
      return ok;
    } catch {
      return false;
    }
  }

  async get(
    path: string,
  ): Promise<{ readonly items: readonly Record<string, unknown>[]; readonly [key: string]: unknown }> {
    const response = await fetch(`${this.#url}${path}`);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as { items: Record<string, unknown>[] };
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** Ends it as a supervisor does; its data stays. */
  terminate(): Promise<void> {
    return this.#end('SIGTERM');
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    return ended;
  }
}
