import type { FastifyRequest } from 'fastify';
import { type Clock, VurtiError } from '../kernel/index.js';
import { bearerOf, LOCAL, type Scope, type TokenBook, tokenMatches } from './front/index.js';
import { type Rate, RateLimit } from './rate-limit.js';

/** Who asks, as far as it was looked at. */
export interface Caller {
  /** Name of the token; "local": the service's own token file; "anonymous": none was needed. */
  readonly name: string;
  readonly scope: Scope;
}

export interface AccessOptions {
  /** Of the token file in the data directory. */
  readonly token: string;
  readonly tokens: Pick<TokenBook, 'find'> | undefined;
  /** Of one client address; undefined = no limit. */
  readonly rate: Rate | undefined;
  readonly clock: Clock;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** open: answered without a token wherever the service listens. */
    readonly access?: 'open';
  }
}

/** Refusals of one client address. Nobody guesses 256 bits: this keeps the log small, and the service at its work. */
const refusals: Rate = { perSecond: 1 / 3, burst: 20 };
const reading: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export const isWrite = (method: string): boolean => !reading.has(method);

/**
 * Decides before anything else of a request is read. Writes need a token of scope admin wherever they come from; reads
 * need one when the connection does not end on a loopback address.
 */
export class Access {
  readonly #options: AccessOptions;
  readonly #requests: RateLimit | undefined;
  readonly #refusals: RateLimit | undefined;

  constructor(options: AccessOptions) {
    const { rate, clock } = options;
    this.#options = options;
    this.#requests = rate === undefined ? undefined : new RateLimit(rate, clock);
    this.#refusals = rate === undefined ? undefined : new RateLimit(refusals, clock);
  }

  /** @throws TOO_MANY_REQUESTS */
  limit(address: string): void {
    refuseLate(this.#requests?.take(address) ?? 0, 'This address asks too often');
  }

  /** @throws FORBIDDEN, TOO_MANY_REQUESTS */
  admit(request: Pick<FastifyRequest, 'method' | 'headers' | 'ip' | 'routeOptions'>, onLoopback: boolean): Caller {
    const { method, headers, routeOptions } = request;
    const write = isWrite(method);
    if (!write && (onLoopback || routeOptions.config?.access === 'open')) return { name: 'anonymous', scope: 'read' };
    const given = bearerOf(headers.authorization);
    const caller = given === undefined ? undefined : this.#callerOf(given);
    if (caller !== undefined && (!write || caller.scope === 'admin')) return caller;
    refuseLate(this.#refusals?.take(request.ip) ?? 0, 'This address was refused too often');
    if (caller !== undefined) {
      throw new VurtiError('FORBIDDEN', `${method} needs a token of scope admin; "${caller.name}" may only read`, {
        hint: 'vurti tokens add NAME --scope admin',
        details: { caller: caller.name },
      });
    }
    // One text for all tokens that are not right, whatever is wrong with them.
    const what = headers.authorization === undefined ? 'needs the token' : 'needs another token';
    throw new VurtiError('FORBIDDEN', `${method} ${what}: Authorization: Bearer …`);
  }

  #callerOf(given: string): Caller | undefined {
    const { token, tokens } = this.#options;
    const named = tokens?.find(given);
    if (tokenMatches(given, token)) return { name: LOCAL, scope: 'admin' };
    return named === undefined ? undefined : { name: named.name, scope: named.scope };
  }
}

function refuseLate(retryAfterSeconds: number, what: string): void {
  if (retryAfterSeconds === 0) return;
  throw new VurtiError('TOO_MANY_REQUESTS', `${what}; again in ${retryAfterSeconds} s`, {
    details: { retryAfterSeconds },
  });
}
