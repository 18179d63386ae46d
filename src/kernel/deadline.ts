import { type ErrorCode, VurtiError } from './errors.js';
import type { Scheduler } from './scheduler.js';

export interface DeadlineOptions {
  ms: number;
  /** The code of the error that a late call is aborted with. */
  code: ErrorCode;
  message: string;
  /** Aborts the call from outside as well; its reason is passed on. */
  parent?: AbortSignal;
  /** Gets what does so, for as long as the call runs: for owners of many short calls, to whom a signal of their own is dear. */
  owner?: { stop: ((reason: unknown) => void) | null };
  label: string;
}

/**
 * Runs `call` with a signal that aborts after `ms`. The result settles at the deadline even if the call ignores its
 * signal; whatever such a call does later is dropped.
 */
export function withDeadline<T>(
  scheduler: Scheduler,
  options: DeadlineOptions,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { parent, owner } = options;
  if (parent?.aborted) return Promise.reject(parent.reason);
  return new Promise((resolve, reject) => {
    const controller = new AbortController();
    const end = (): void => {
      timer.cancel();
      if (owner !== undefined) owner.stop = null;
      parent?.removeEventListener('abort', onParent);
    };
    const stop = (reason: unknown): void => {
      end();
      controller.abort(reason);
      reject(reason);
    };
    const onParent = (): void => stop(parent?.reason);
    parent?.addEventListener('abort', onParent);
    const timer = scheduler.after(options.ms, () => stop(new VurtiError(options.code, options.message)), options.label);
    if (owner !== undefined) owner.stop = stop;
    const failed = (error: unknown): void => {
      end();
      reject(error);
    };
    try {
      call(controller.signal).then((value) => {
        end();
        resolve(value);
      }, failed);
    } catch (error) {
      failed(error);
    }
  });
}
