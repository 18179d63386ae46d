import { type ErrorCode, VurtiError } from './errors.js';
import type { Scheduler } from './scheduler.js';

export interface DeadlineOptions {
  ms: number;
  /** The code of the error that a late call is aborted with. */
  code: ErrorCode;
  message: string;
  /** Aborts the call from outside as well; its reason is passed on. */
  parent?: AbortSignal;
  label: string;
}

/**
 * Runs `call` with a signal that aborts after `ms`. The result settles at the deadline even if the call ignores its
 * signal; whatever such a call does later is dropped.
 */
export async function withDeadline<T>(
  scheduler: Scheduler,
  options: DeadlineOptions,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const { parent } = options;
  if (parent?.aborted) throw parent.reason;
  let stop: (reason: unknown) => void = () => undefined;
  const stopped = new Promise<never>((_, reject) => {
    stop = (reason) => {
      controller.abort(reason);
      reject(reason);
    };
  });
  const onParent = (): void => stop(parent?.reason);
  parent?.addEventListener('abort', onParent, { once: true });
  const timer = scheduler.after(options.ms, () => stop(new VurtiError(options.code, options.message)), options.label);
  try {
    return await Promise.race([call(controller.signal), stopped]);
  } finally {
    timer.cancel();
    parent?.removeEventListener('abort', onParent);
  }
}
