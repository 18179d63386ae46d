import { mkdirSync } from 'node:fs';
import { messageOf, VurtiError, withDeadline } from '../../kernel/index.js';
import { clockTime, toMs } from '../human.js';
import type { Io } from '../io.js';
import { readServiceFile } from '../service-file.js';

const PROBE_MS = 2000;

/** @throws CONFIG_UNREADABLE */
export function makeDataDir(dataDir: string): void {
  try {
    // Others may walk through it, to reach the database's folder and the service file; they cannot list it.
    mkdirSync(dataDir, { recursive: true, mode: 0o711 });
  } catch (error) {
    throw new VurtiError('CONFIG_UNREADABLE', `The data directory ${dataDir} cannot be made: ${messageOf(error)}`, {
      hint: 'Check its permissions, or choose another one: dataDir or --data-dir.',
      cause: error,
    });
  }
}

/**
 * A service that runs on this directory answers at the address in its service file. A file without such a service is
 * left from one that was killed. @throws ALREADY_RUNNING
 */
export async function refuseSecond(dataDir: string, shownDir: string, io: Io): Promise<void> {
  const file = readServiceFile(dataDir);
  // A container's process has the same number each time: our own number is a former life's.
  if (file === undefined || file.pid === process.pid || !io.isAlive(file.pid)) return;
  const probe = {
    ms: PROBE_MS,
    code: 'SERVICE_UNREACHABLE',
    message: 'no answer',
    parent: io.stop,
    label: 'probe',
  } as const;
  try {
    const answer = await withDeadline(io.scheduler, probe, (signal) => io.fetch(`${file.url}/livez`, { signal }));
    if (!answer.headers.has('x-vurti-status')) return;
  } catch {
    return;
  }
  const since =
    file.since === '' ? '' : `, since ${clockTime(toMs(file.since), io.clock.now(), false).replace(/:\d\d$/, '')}`;
  throw new VurtiError('ALREADY_RUNNING', `Data directory ${shownDir} is in use by vurti (pid ${file.pid}${since}).`, {
    hint: 'Use it: vurti status. Or another one: --data-dir.',
  });
}
