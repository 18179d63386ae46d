import { type Clock, minutes, type Scheduler, seconds, type Telemetry } from '../../kernel/index.js';
import type { Home } from './home.js';
import { readPidFile } from './pid-file.js';
import type { Postmaster } from './postmaster.js';
import { settlesWithin } from './waiting.js';

export type Readiness = 'ready' | 'ended' | 'stopping' | 'late';

/** A server writes the file before anything that takes time. */
const SAYS_WITHIN_MS = seconds(10);
/** Recovery after a crash replays up to some hundred megabytes of log, on slow disks too. */
const READY_WITHIN_MS = minutes(5);
const SAY_AFTER_MS = seconds(5);

/** A start takes some 20 ms: look often at first. A look is one small read. */
const pollMs = (waited: number): number => (waited < 500 ? 2 : 25);

/** Waits for what the server itself says of its state in `postmaster.pid`; does not connect. */
export async function becomesReady(
  postmaster: Postmaster,
  home: Home,
  { clock, scheduler, telemetry }: { clock: Clock; scheduler: Scheduler; telemetry: Telemetry },
): Promise<Readiness> {
  const began = clock.monotonic();
  let said = false;
  for (;;) {
    const file = await readPidFile(home);
    // Before the server has written its own, the file of a former one may be there.
    const status = file?.pid === postmaster.pid ? file.status : undefined;
    if (status === 'ready' || status === 'stopping') return status;
    const waited = clock.monotonic() - began;
    if (waited > (status === undefined ? SAYS_WITHIN_MS : READY_WITHIN_MS)) return 'late';
    if (waited > SAY_AFTER_MS && !said) {
      said = true;
      telemetry.log('info', 'PostgreSQL is not ready yet: it recovers after a crash', { pid: postmaster.pid });
    }
    if (await settlesWithin(scheduler, postmaster.ended, pollMs(waited))) return 'ended';
  }
}
