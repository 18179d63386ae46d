import type { Clock, Scheduler } from '../kernel/index.js';

export interface Output {
  write(text: string): void;
  /** Resolves when all that was written is out. @throws Stopped when nobody takes it any more */
  drained(): Promise<void>;
  readonly isTTY: boolean;
  /** Of the terminal; undefined where there is none. */
  readonly columns: number | undefined;
}

/** Everything outside that a command touches; tests give their own. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly fetch: typeof fetch;
  /** Aborts at Ctrl-C, at SIGTERM, and when nobody reads our output any more. */
  readonly stop: AbortSignal;
  /** Calls back at each SIGHUP that does not say that our terminal is gone. */
  readonly onHangUp: (listener: () => void) => void;
  /** Asks the person at the terminal; null where there is none. */
  readonly ask: ((question: string) => Promise<string>) | null;
  isAlive(pid: number): boolean;
}

/** Reason of `Io.stop`. */
export class Stopped extends Error {
  override readonly cause: 'interrupt' | 'terminate' | 'closed-pipe';

  constructor(cause: Stopped['cause']) {
    super(`stopped: ${cause}`);
    this.cause = cause;
  }
}

/** Resolves after a time, or rejects with the reason of `stop`. */
export function pause(io: Pick<Io, 'scheduler' | 'stop'>, ms: number, label: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const { stop } = io;
    if (stop.aborted) {
      reject(stop.reason);
      return;
    }
    const onStop = (): void => {
      timer.cancel();
      reject(stop.reason);
    };
    const timer = io.scheduler.after(
      ms,
      () => {
        stop.removeEventListener('abort', onStop);
        resolve();
      },
      label,
    );
    stop.addEventListener('abort', onStop, { once: true });
  });
}
