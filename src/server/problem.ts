import { asVurtiError, type ErrorCode, VurtiError } from '../kernel/index.js';

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
