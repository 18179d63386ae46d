import { type ErrorCode, messageOf, VurtiError, type VurtiErrorOptions } from '../kernel/index.js';
import type { HostEndpoint } from '../model/index.js';
import { excerpt } from './text.js';

/** One question: what its errors have to name. */
export interface Question {
  readonly host: HostEndpoint;
  readonly method: string;
}

/** "kvm-07 (10.0.4.17:54321)": who and where, at the head of every message. */
function whereOf(host: HostEndpoint): string {
  const address = host.address.includes(':') ? `[${host.address}]` : host.address;
  return `${excerpt(host.name)} (${excerpt(address)}:${host.port})`;
}

export function agentError(code: ErrorCode, ask: Question, what: string, options: VurtiErrorOptions = {}): VurtiError {
  const details = { host: ask.host.id, method: ask.method, ...options.details };
  return new VurtiError(code, `${whereOf(ask.host)} ${what}`, { ...options, details });
}

/** What the agent sent is not what was promised; `sent` shows how it begins. */
export function badAnswer(ask: Question, what: string, sent?: string, cause?: unknown): VurtiError {
  const shown = sent === undefined || sent === '' ? '' : `; it begins: ${excerpt(sent)}`;
  return agentError('AGENT_BAD_ANSWER', ask, `answered ${ask.method} wrongly: ${what}${shown}`, { cause });
}

/** A call was given up: with the reason of whoever did it, if that says why. */
export function aborted(ask: Question, signal: AbortSignal): VurtiError {
  const reason: unknown = signal.reason;
  if (reason instanceof VurtiError) return reason;
  return agentError('AGENT_ABORTED', ask, `was not waited for any longer: ${ask.method} was given up`, {
    cause: reason,
  });
}

/** No error of another kind leaves a fetcher: callers decide about hosts by the code. */
export function asAgentError(error: unknown, ask: Question): VurtiError {
  if (error instanceof VurtiError) return error;
  return badAnswer(ask, `it could not be read (${messageOf(error)})`, undefined, error);
}
