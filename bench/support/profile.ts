import { type Profiler, Session } from 'node:inspector/promises';
import type { Figures } from './report.js';

/** The sampling profiler of `node --cpu-prof`, over a part of a run. */
export class CpuProfile {
  readonly #session = new Session();

  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post('Profiler.enable');
    await this.#session.post('Profiler.setSamplingInterval', { interval: 500 });
    await this.#session.post('Profiler.start');
  }

  async stop(): Promise<Profiler.Profile> {
    const { profile } = await this.#session.post('Profiler.stop');
    this.#session.disconnect();
    return profile;
  }
}

/**
 * Who took the CPU: per part (a folder of src, a package, Node, the collector) and per function, in per cent of all time
 * that was not idle and not the profiler's own. `with Node`: what Node does inside a call of a part counts for that part.
 * "(program)" is native code outside JavaScript: the event loop, sockets, the kernel's work for them.
 */
export function summary(profile: Profiler.Profile, top: number): { parts: Figures[]; functions: Figures[] } {
  const parents = new Map<number, number>();
  for (const node of profile.nodes) for (const child of node.children ?? []) parents.set(child, node.id);
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const selfMicros = new Map<number, number>();
  profile.samples?.forEach((id, index) => {
    selfMicros.set(id, (selfMicros.get(id) ?? 0) + (profile.timeDeltas?.[index] ?? 0));
  });

  const parts = new Map<string, { self: number; whole: number }>();
  const functions = new Map<string, number>();
  let total = 0;
  const partNamed = (name: string): { self: number; whole: number } => {
    let part = parts.get(name);
    if (part === undefined) {
      part = { self: 0, whole: 0 };
      parts.set(name, part);
    }
    return part;
  };
  for (const [id, micros] of selfMicros) {
    const node = nodes.get(id);
    if (node === undefined || node.callFrame.functionName === '(idle)') continue;
    const own = partOf(node);
    let owner = own;
    for (let at: number | undefined = id; owner === NODE && at !== undefined; at = parents.get(at)) {
      const ancestor = nodes.get(at);
      if (ancestor !== undefined) owner = partOf(ancestor);
    }
    if (owner === BENCH) continue;
    total += micros;
    partNamed(own).self += micros;
    partNamed(owner).whole += micros;
    const name = nameOf(node);
    functions.set(name, (functions.get(name) ?? 0) + micros);
  }
  const share = (micros: number): number => (100 * micros) / total;
  return {
    parts: [...parts]
      .sort((a, b) => b[1].whole - a[1].whole)
      .slice(0, top)
      .map(([part, { self, whole }]) => ({ part, 'self %': share(self), 'with Node %': share(whole) })),
    functions: [...functions]
      .sort((a, b) => b[1] - a[1])
      .slice(0, top)
      .map(([name, micros]) => ({ function: name, 'self %': share(micros) })),
  };
}

const NODE = 'node';
const BENCH = 'bench';

/** `src/fetcher`, `axios`, `node` or `(garbage collector)`. */
function partOf({ callFrame: { url, functionName } }: Profiler.ProfileNode): string {
  const inPackage = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url);
  if (inPackage?.[1] !== undefined) return inPackage[1];
  const room = /\/(src\/[^/]+|bench)\//.exec(url);
  if (room?.[1] !== undefined) return room[1];
  return url === '' && functionName.startsWith('(') && functionName !== '(root)' ? functionName : NODE;
}

/** With its file, but not where that lies on this machine. */
function nameOf({ callFrame: { url, functionName, lineNumber } }: Profiler.ProfileNode): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  const file = /(?:.*\/node_modules\/|.*\/\.bench\/)(.*)$/.exec(url)?.[1] ?? url;
  return file === '' ? name : `${name} ${file}:${lineNumber + 1}`;
}
