import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/**
 * CPU time that `work` takes, µs: all threads of this process, so that the garbage collector's helpers count too. Unlike
 * the clock it does not grow while other processes have the cores.
 */
export function cpuOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

export interface Stat {
  readonly ppid: number;
  /** Clock ticks. */
  readonly own: number;
  /** Of children that have ended. */
  readonly children: number;
}

/** A line of /proc/PID/stat. The name in it may hold blanks and brackets. */
export function parseStat(line: string): Stat {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  return { ppid: field(4), own: field(14) + field(15), children: field(16) + field(17) };
}

/** CPU time of a process and all its descendants so far, µs; null where there is no /proc. Ended children count too. */
export function treeCpu(root: number): number | null {
  const all = new Map<number, Stat>();
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return null;
  }
  for (const name of names) {
    const pid = Number(name);
    if (!Number.isSafeInteger(pid)) continue;
    try {
      all.set(pid, parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8')));
    } catch {
      // It ended between the two reads.
    }
  }
  let ticks = all.get(root)?.children ?? 0;
  for (const [pid, { own }] of all) if (isWithin(all, pid, root)) ticks += own;
  return (ticks / ticksPerSecond()) * 1_000_000;
}

function isWithin(all: ReadonlyMap<number, Stat>, pid: number, root: number): boolean {
  for (let at = pid; at > 1; at = all.get(at)?.ppid ?? 0) if (at === root) return true;
  return false;
}

let cachedTicks: number | undefined;

function ticksPerSecond(): number {
  cachedTicks ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return cachedTicks;
}
