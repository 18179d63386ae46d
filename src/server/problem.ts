import { asVurtiError, type ErrorCode, VurtiError } from '../kernel/index.js';
import { SettingsError } from '../monitor/index.js';
import type { Problem } from './wire.js';

interface HttpError {
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly message?: unknown;
}

/** Errors of the HTTP layer itself; all others are ours already, or bugs. */
export function fromHttpLayer(error: unknown): { readonly error: VurtiError; readonly status?: number } {
  if (error instanceof VurtiError) return { error };
  const { code, statusCode, message } = error as HttpError;
  const text = String(message ?? 'The request is not understood');
  const made = (as: ErrorCode): { error: VurtiError } => ({ error: new VurtiError(as, text, { cause: error }) });
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return made('BODY_TOO_LARGE');
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return made('UNSUPPORTED_MEDIA_TYPE');
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return { ...made('BAD_REQUEST'), status: statusCode };
  }
  return { error: asVurtiError(error, 'The request failed') };
}

/** RFC 9457; docs/errors.md has every code. What went wrong inside stays inside: it is logged, not told. */
export function problemOf(error: VurtiError, status: number = error.entry.http): Problem {
  const { title, retryable } = error.entry;
  return {
    type: `urn:vurti:error:${error.code}`,
    title,
    status,
    code: error.code,
    detail: error.code === 'INTERNAL' ? 'The request failed inside vurti; its log says more.' : error.message,
    retryable,
    hint: error.hint,
    ...(error instanceof SettingsError ? { problems: error.problems } : {}),
  };
}
