import type { Scheduler } from '../../kernel/index.js';

const LABEL = 'embedded-postgres';

export function pause(scheduler: Scheduler, ms: number): Promise<void> {
  return new Promise((resolve) => scheduler.after(ms, resolve, LABEL));
}

/** Whether `promise` settles within `ms`. Leaves no timer behind. */
export async function settlesWithin(scheduler: Scheduler, promise: Promise<unknown>, ms: number): Promise<boolean> {
  let cancel: () => void = () => undefined;
  const late = new Promise<boolean>((resolve) => {
    const timer = scheduler.after(ms, () => resolve(false), LABEL);
    cancel = () => timer.cancel();
  });
  const done = promise.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([done, late]);
  } finally {
    cancel();
  }
}
