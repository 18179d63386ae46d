import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';

/** A process that runs now. A zombie does not run: it holds nothing any more but its number. */
export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  /** Effective user id. */
  readonly uid: number;
  /** Differs between two processes that get the same pid one after the other, even across a reboot. */
  readonly identity: string;
  /** Its arguments, or the title that it gave itself, joined by spaces. */
  readonly command: string;
}

/**
 * `kill(pid, 0)` alone proves little: it succeeds for zombies and for a stranger that got the number later.
 * Linux: /proc, since small container images have no `ps`. Elsewhere (macOS, BSD): `ps`.
 */
export async function findProcess(pid: number): Promise<ProcessInfo | undefined> {
  if (!exists(pid)) return undefined;
  if (process.platform === 'linux') return await readProc(pid, await bootId());
  const [found] = await listByPs(['-p', String(pid)]);
  return found;
}

export async function listProcesses(): Promise<ProcessInfo[]> {
  if (process.platform !== 'linux') return await listByPs(['-ax']);
  const boot = await bootId();
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map((pid) => readProc(pid, boot)));
  return found.filter((info) => info !== undefined);
}

/** Names the set of processes that this one can see. Two containers with one volume have different ones. */
export async function processSpace(): Promise<string> {
  return process.platform === 'linux' ? await readlink('/proc/self/ns/pid').catch(() => '') : '';
}

function exists(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'latin1').catch(() => '')).trim();
}

async function readProc(pid: number, boot: string): Promise<ProcessInfo | undefined> {
  try {
    const [stat, status, command] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'latin1'),
      readFile(`/proc/${pid}/status`, 'latin1'),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
    ]);
    // The second field is the name in brackets and may itself hold spaces and brackets: count from its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, parent] = fields;
    const startTicks = fields[19];
    const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1];
    if (state === 'Z' || state === 'X' || startTicks === undefined || uid === undefined) return undefined;
    return {
      pid,
      parent: Number(parent),
      uid: Number(uid),
      identity: `${boot}/${startTicks}`,
      command: command.replaceAll('\0', ' ').trim(),
    };
  } catch {
    return undefined; // It ended while we read.
  }
}

/** `ps` with the columns that POSIX systems share. `lstart` is the start time; in locale C it always has this form. */
export async function listByPs(selection: readonly string[]): Promise<ProcessInfo[]> {
  const output = await promisify(execFile)(
    'ps',
    [
      '-ww',
      ...['pid=', 'ppid=', 'uid=', 'stat=', 'lstart=', 'command='].flatMap((column) => ['-o', column]),
      ...selection,
    ],
    { env: { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }, maxBuffer: 16 * 1024 * 1024 },
  ).catch((error: unknown) => {
    // Exit code 1 means that no process was selected.
    if ((error as { code?: unknown }).code === 1) return { stdout: '' };
    throw error;
  });
  const found: ProcessInfo[] = [];
  for (const line of output.stdout.split('\n')) {
    const match = /^\s*(\d+)\s+(\d+)\s+(-?\d+)\s+(\S+)\s+(\w{3} +\w{3} +\d+ +[\d:]{8} +\d{4})\s+(.*)$/.exec(line);
    if (match === null) continue;
    const [, pid, parent, uid, state = '', started = '', command = ''] = match;
    if (state.startsWith('Z')) continue;
    const numbers = { pid: Number(pid), parent: Number(parent), uid: Number(uid) };
    found.push({ ...numbers, identity: started, command: command.trim() });
  }
  return found;
}
