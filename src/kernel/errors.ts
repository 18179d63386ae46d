import { type ErrorCode, type ErrorEntry, errorRegistry } from './error-registry.js';

export type { ErrorCode, ErrorEntry } from './error-registry.js';

export interface VurtiErrorOptions {
  cause?: unknown;
  /** What to do, when it is more precise than the registry's own hint. */
  hint?: string;
  /** Facts for programs: an agent's error code, a row's key. Never secrets. */
  details?: Readonly<Record<string, unknown>>;
}

/** Every failure that leaves vurti: a code from the registry, what and where in the message, the cause kept. */
export class VurtiError extends Error {
  override readonly name = 'VurtiError';
  readonly code: ErrorCode;
  readonly hint: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: VurtiErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.hint = options.hint ?? errorRegistry[code].hint;
    this.details = options.details ?? {};
  }

  get entry(): ErrorEntry {
    return errorRegistry[this.code];
  }

  /** Whether the same call may succeed later without anybody changing anything. */
  get retryable(): boolean {
    return this.entry.retryable;
  }
}

/** The error itself if it is ours, else an INTERNAL one that keeps it as its cause. */
export function asVurtiError(error: unknown, what: string): VurtiError {
  if (error instanceof VurtiError) return error;
  return new VurtiError('INTERNAL', `${what}: ${messageOf(error)}`, { cause: error });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
