import { type Scheduler, seconds } from '../../kernel/index.js';
import { databaseFailure } from './failure.js';
import type { Home } from './home.js';
import { belongsTo, hasTitle, Postmaster } from './postmaster.js';
import { listProcesses, type ProcessInfo } from './processes.js';
import { pause } from './waiting.js';

const LOOK_EVERY_MS = 20;
const PATIENCE_MS = seconds(3);

/**
 * The server that a killed vurti left running, if there is one.
 *
 * It is looked for by the tag in its arguments and by its user, not by the pid in `postmaster.pid`: numbers are given
 * again (after each start of a container often the very same), and a server that was spawned just before the kill has
 * not written that file yet.
 */
export async function findLeftover(home: Home, tag: string, scheduler: Scheduler): Promise<Postmaster | undefined> {
  const family = (await listProcesses()).filter((info) => belongsTo(tag, home.user.uid, info));
  const pids = new Set(family.map(({ pid }) => pid));
  const found = family.find(({ parent, command }) => !hasTitle(command) && !pids.has(parent));
  return found === undefined ? undefined : Postmaster.adopt(found, scheduler);
}

/**
 * Waits until no process of a server that is gone is left. They go by themselves as soon as they notice; one that does
 * not is killed, which harms nothing any more: the shared memory that it could spoil has no other user.
 */
export async function endServants(home: Home, tag: string, scheduler: Scheduler): Promise<void> {
  for (let waited = 0; ; waited += LOOK_EVERY_MS) {
    const left = (await listProcesses()).filter((info) => belongsTo(tag, home.user.uid, info));
    if (left.length === 0) return;
    if (waited >= PATIENCE_MS) left.forEach(kill);
    if (waited >= 2 * PATIENCE_MS) {
      const pids = left.map(({ pid }) => pid).join(', ');
      throw databaseFailure(`Processes ${pids} of the former PostgreSQL do not end, not even by SIGKILL`);
    }
    await pause(scheduler, LOOK_EVERY_MS);
  }
}

function kill({ pid }: ProcessInfo): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone just now.
  }
}
