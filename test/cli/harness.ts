import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { type Io, Stopped } from '../../src/cli/io.js';
import { run } from '../../src/cli/run.js';
import { type Setup, type SetupOptions, setup, token } from '../server/setup.js';

export interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface CliOptions {
  readonly env?: Record<string, string>;
  readonly isTTY?: boolean;
  readonly columns?: number;
  /** What the person at the terminal answers. */
  readonly answer?: string;
  readonly server?: SetupOptions;
}

const PATIENCE_MS = 10_000;

/** The command line with a fake service behind it, without a network, a process or a real clock. */
export class Cli {
  readonly service: Setup;
  readonly cwd: string;
  readonly stop = new AbortController();
  readonly env: Record<string, string>;
  #outage: 'refused' | 'hangs' | 'other' | 'garbage' | null = null;
  readonly #streams = new Set<Readable>();
  /** Nobody takes the output. */
  closedPipe = false;
  readonly requests: string[] = [];
  readonly alive = new Set<number>();
  out = '';
  err = '';
  readonly #options: CliOptions;

  constructor(options: CliOptions = {}) {
    this.#options = options;
    this.service = setup(options.server);
    this.cwd = mkdtempSync(join(tmpdir(), 'vurti-cli-'));
    onTestFinished(() => rmSync(this.cwd, { recursive: true, force: true }));
    this.env = { LANG: 'C.UTF-8', VURTI_TOKEN: token, ...options.env };
  }

  /** What the service does instead of answering. Streams break off. */
  get outage(): 'refused' | 'hangs' | 'other' | 'garbage' | null {
    return this.#outage;
  }

  set outage(outage) {
    this.#outage = outage;
    if (outage === null) return;
    for (const stream of this.#streams) stream.destroy(new Error('socket hang up'));
    this.#streams.clear();
  }

  /** The stream that is open says nothing more, and does not end. */
  mute(): void {
    for (const stream of this.#streams) stream.pause().removeAllListeners('data').removeAllListeners('readable');
    this.#streams.clear();
  }

  get io(): Io {
    const { isTTY = false, columns, answer } = this.#options;
    const output = (sink: 'out' | 'err'): Io['stdout'] => ({
      write: (text) => {
        this[sink] += text;
      },
      drained: async () => {
        if (this.closedPipe) throw new Stopped('closed-pipe');
      },
      isTTY,
      columns: isTTY ? (columns ?? 200) : undefined,
    });
    return {
      env: this.env,
      cwd: this.cwd,
      stdout: output('out'),
      stderr: output('err'),
      clock: this.service.time,
      scheduler: this.service.time,
      fetch: (input, init) => this.#fetch(String(input), init ?? {}),
      stop: this.stop.signal,
      ask: answer === undefined ? null : async () => answer,
      onHangUp: () => undefined,
      isAlive: (pid) => this.alive.has(pid),
    };
  }

  async run(...argv: string[]): Promise<Result> {
    this.out = '';
    this.err = '';
    const code = await run(argv, this.io);
    return { code, out: this.out, err: this.err };
  }

  interrupt(cause: Stopped['cause'] = 'interrupt'): void {
    this.stop.abort(new Stopped(cause));
  }

  /**
   * Lets what is under way go on until the condition holds. Virtual time stands still, but for waits with this label:
   * else a deadline would pass in no time.
   */
  async until(
    condition: () => boolean,
    pass?: { readonly label: string; readonly ms: number },
    turns = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    const { time } = this.service;
    // Commands load their modules when they run: that takes real time.
    const patience = performance.now() + PATIENCE_MS;
    for (let turn = 0; turn < turns && !condition(); turn++) {
      if (performance.now() > patience) throw new Error(`it never happened; stdout: ${this.out} stderr: ${this.err}`);
      await time.runFor(pass !== undefined && time.waiting().has(pass.label) ? pass.ms : 0);
    }
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    const { pathname, search, host } = new URL(url);
    this.requests.push(`${init.method ?? 'GET'} ${pathname}${search}`);
    if (this.outage === 'refused') {
      throw new TypeError('fetch failed', {
        cause: Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
      });
    }
    if (this.outage === 'hangs') return new Promise(() => undefined);
    if (this.outage === 'other') return new Response('<html>', { status: 200 });
    if (this.outage === 'garbage')
      return new Response('{"kin', { status: 200, headers: { 'x-vurti-status': 'ready' } });
    if (pathname.endsWith('/stream')) return this.#stream(`${pathname}${search}`, host);
    const answer = await this.service.server.inject({
      method: (init.method ?? 'GET') as 'GET',
      url: `${pathname}${search}`,
      headers: { ...(init.headers as Record<string, string>), host },
      ...(typeof init.body === 'string' ? { payload: init.body } : {}),
    });
    // The connection breaks under a request that waits, when the service goes away.
    if (this.outage !== null) return this.#fetch(url, init);
    return new Response(answer.body, {
      status: answer.statusCode,
      headers: { 'x-vurti-status': String(answer.headers['x-vurti-status']) },
    });
  }

  async #stream(url: string, host: string): Promise<Response> {
    const answer = await this.service.server.inject({ method: 'GET', url, headers: { host }, payloadAsStream: true });
    const body = answer.stream();
    this.#streams.add(body);
    return new Response(Readable.toWeb(body) as unknown as ReadableStream, {
      status: answer.statusCode,
      headers: { 'x-vurti-status': String(answer.headers['x-vurti-status']) },
    });
  }
}
