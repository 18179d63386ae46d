import { type ErrorCode, errorRegistry, isLoopback, messageOf, VurtiError, withDeadline } from '../kernel/index.js';
import type { Problem } from '../server/index.js';
import type { Io } from './io.js';
import { type SseFrame, SseParser } from './sse.js';

export interface ClientOptions {
  readonly url: string;
  readonly token: string | undefined;
  /** Why there is no token, for the message when one is needed. */
  readonly noTokenBecause?: string;
  readonly timeoutMs: number;
}

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'unknown host name',
  EAI_AGAIN: 'the name cannot be resolved now',
  ECONNRESET: 'connection reset',
  UND_ERR_SOCKET: 'connection closed',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its certificate is signed by a CA that is not known here: NODE_EXTRA_CA_CERTS=ca.pem',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by a CA that is not known here: NODE_EXTRA_CA_CERTS=ca.pem',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself: NODE_EXTRA_CA_CERTS=server.pem',
  CERT_HAS_EXPIRED: 'its certificate has ended',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate bears another name',
  EHOSTUNREACH: 'no route',
  ENETUNREACH: 'no route',
};

/** The service shows every 15 s that it lives. */
const LONGEST_SILENCE_MS = 45_000;

/** Speaks to a running service. Every failure is a VurtiError; the service's own keep their codes. */
export class Client {
  readonly url: string;
  readonly #io: Io;
  readonly #options: ClientOptions;

  constructor(io: Io, options: ClientOptions) {
    this.url = options.url.replace(/\/+$/, '');
    this.#io = io;
    this.#options = options;
  }

  /** `waitSeconds`: the service may take this long on purpose. */
  get<T>(path: string, query: Query = {}, waitSeconds = 0): Promise<T> {
    return this.#ask('GET', path, query, undefined, waitSeconds);
  }

  /**
   * Frames of the event stream, those that arrive together together. Ends when the service ends it.
   * @throws SERVICE_UNREACHABLE when the connection breaks or is silent for too long, and what the service refuses with
   */
  async *stream(path: string, query: Query): AsyncGenerator<readonly SseFrame[], void, void> {
    const { stop, scheduler } = this.#io;
    const url = `${this.url}${path}${search(query)}`;
    const abort = new AbortController();
    const onStop = (): void => abort.abort(stop.reason);
    stop.addEventListener('abort', onStop, { once: true });
    if (stop.aborted) onStop();
    const within = async <T>(ms: number, work: Promise<T>): Promise<T> => {
      const message = `Nothing from ${this.url} within ${ms / 1000} s.`;
      const late = (): void => abort.abort(new VurtiError('SERVICE_UNREACHABLE', message));
      const timer = scheduler.after(ms, late, 'stream-silence');
      try {
        return await untilAborted(work, abort.signal);
      } finally {
        timer.cancel();
      }
    };
    try {
      const headers = { accept: 'text/event-stream', ...this.#authorization() };
      const init = { headers, signal: abort.signal, redirect: 'error' } as const;
      const response = await within(this.#options.timeoutMs, this.#io.fetch(url, init));
      this.#checkOurs(response);
      if (!response.ok) {
        const problem = await within(this.#options.timeoutMs, response.json());
        throw asError(problem as Partial<Problem>, response.status);
      }
      const parser = new SseParser();
      const reader = response.body?.getReader();
      for (;;) {
        const read = await within(
          LONGEST_SILENCE_MS,
          reader?.read() ?? Promise.resolve({ done: true as const, value: undefined }),
        );
        if (read.done) return;
        const frames = parser.push(read.value);
        if (frames.length > 0) yield frames;
      }
    } catch (error) {
      if (stop.aborted) throw stop.reason;
      throw unreachable(this.url, abort.signal.aborted ? abort.signal.reason : error);
    } finally {
      stop.removeEventListener('abort', onStop);
      abort.abort();
    }
  }

  /** Whether nobody on the way can read what is sent. */
  get #isSafe(): boolean {
    const { protocol, hostname } = new URL(this.url);
    return protocol === 'https:' || isLoopback(hostname.replace(/^\[(.*)\]$/, '$1'));
  }

  #authorization(): { readonly authorization?: string } {
    const { token } = this.#options;
    return token === undefined || !this.#isSafe ? {} : { authorization: `Bearer ${token}` };
  }

  #checkOurs(response: Response): void {
    if (response.headers.has('x-vurti-status')) return;
    throw new VurtiError('SERVICE_UNREACHABLE', `${this.url} answers, but not as vurti (HTTP ${response.status}).`);
  }

  send<T>(method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<T> {
    if (this.#options.token === undefined) {
      throw new VurtiError('FORBIDDEN', this.#options.noTokenBecause ?? 'No token of the service is known here');
    }
    if (!this.#isSafe) {
      throw new VurtiError('FORBIDDEN', `The token would travel to ${this.url} for all to read`, {
        hint: 'Use https://, or ssh -L.',
      });
    }
    return this.#ask(method, path, {}, body, 0);
  }

  async #ask<T>(method: string, path: string, query: Query, body: unknown, waitSeconds: number): Promise<T> {
    const { timeoutMs } = this.#options;
    const url = `${this.url}${path}${search(query)}`;
    const headers: Record<string, string> = { accept: 'application/json', ...this.#authorization() };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const ms = timeoutMs + waitSeconds * 1000;
    const late = {
      ms,
      code: 'SERVICE_UNREACHABLE',
      message: `No answer from ${this.url} within ${ms / 1000} s.`,
      label: 'request',
    } as const;
    let response: Response;
    let text: string;
    try {
      [response, text] = await withDeadline(this.#io.scheduler, { ...late, parent: this.#io.stop }, async (signal) => {
        const init = {
          method,
          headers,
          signal,
          redirect: 'error',
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        } as const;
        const answer = await this.#io.fetch(url, init);
        return [answer, await answer.text()] as const;
      });
    } catch (error) {
      throw this.#io.stop.aborted ? this.#io.stop.reason : unreachable(this.url, error);
    }
    this.#checkOurs(response);
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch (error) {
      throw new VurtiError('SERVICE_UNREACHABLE', `${this.url} broke off its answer.`, { cause: error });
    }
    if (!response.ok) throw asError(parsed as Partial<Problem>, response.status);
    return parsed as T;
  }
}

/** What does not mind its signal, as a test's fetch may not, is left behind at it. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function search(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === false || (Array.isArray(value) && value.length === 0)) continue;
    parameters.set(key, Array.isArray(value) ? value.join(',') : String(value));
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

function unreachable(url: string, error: unknown): VurtiError {
  if (error instanceof VurtiError) return error;
  const cause =
    error instanceof Error ? (error.cause as { code?: string; errors?: { code?: string }[] } | undefined) : undefined;
  const code = cause?.code ?? cause?.errors?.[0]?.code ?? '';
  return new VurtiError('SERVICE_UNREACHABLE', `No vurti at ${url} (${reasons[code] ?? messageOf(cause ?? error)}).`, {
    cause: error,
  });
}

/** A code that this version does not know is a newer service's; its words still count. */
function asError(problem: Partial<Problem>, status: number): VurtiError {
  const known = problem.code !== undefined && Object.hasOwn(errorRegistry, problem.code);
  const code = known ? (problem.code as ErrorCode) : status >= 500 ? 'NOT_READY' : 'BAD_REQUEST';
  const problems = problem.problems === undefined ? {} : { details: { problems: problem.problems } };
  const hint = typeof problem.hint === 'string' ? { hint: problem.hint } : {};
  return new VurtiError(code, problem.detail ?? `HTTP ${status}`, { ...hint, ...problems });
}
