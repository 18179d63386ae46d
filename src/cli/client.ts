import { type ErrorCode, errorRegistry, messageOf, VurtiError, withDeadline } from '../kernel/index.js';
import type { Problem } from '../server/index.js';
import type { Io } from './io.js';

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
  EHOSTUNREACH: 'no route',
  ENETUNREACH: 'no route',
};

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

  send<T>(method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<T> {
    if (this.#options.token === undefined) {
      throw new VurtiError('FORBIDDEN', this.#options.noTokenBecause ?? 'No token of the service is known here');
    }
    return this.#ask(method, path, {}, body, 0);
  }

  async #ask<T>(method: string, path: string, query: Query, body: unknown, waitSeconds: number): Promise<T> {
    const { token, timeoutMs } = this.#options;
    const url = `${this.url}${path}${search(query)}`;
    const headers: Record<string, string> = { accept: 'application/json' };
    if (token !== undefined && method !== 'GET') headers['authorization'] = `Bearer ${token}`;
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
    if (!response.headers.has('x-vurti-status')) {
      throw new VurtiError('SERVICE_UNREACHABLE', `${this.url} answers, but not as vurti (HTTP ${response.status}).`);
    }
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
  const hint = typeof problem.hint === 'string' ? { hint: problem.hint } : {};
  return new VurtiError(code, problem.detail ?? `HTTP ${status}`, hint);
}
