import type { CauseSource } from '../../events/index.js';
import type { TrailStep } from '../../updater/index.js';
import type { ExplanationEvidence } from '../api.js';

const MOST = 8;
const grouped = (n: number): string => n.toLocaleString('en-US');

/** A decision about the entity of this name as a line of evidence. */
export function evidenceOf(step: TrailStep, name: string, nameOf: (hostId: string) => string): ExplanationEvidence {
  const { at, lastAt, times, rule, becomes } = step;
  return {
    at,
    lastAt,
    times,
    rule,
    text: textOf(step, nameOf),
    becomes: becomes === null ? [] : [{ name, ...becomes }],
  };
}

function textOf({ source, said, figures, notDone }: TrailStep, nameOf: (hostId: string) => string): string {
  const told = sourceText(source, said, nameOf);
  const details = [figures, figures === null ? (notDone[0]?.why ?? null) : null].filter((detail) => detail !== null);
  return details.length === 0 ? told : `${told}; ${details.join('; ')}`;
}

function sourceText(source: CauseSource, said: string | null, nameOf: (hostId: string) => string): string {
  const tail = said === null ? '' : `: ${said}`;
  switch (source.by) {
    case 'poll':
    case 'push':
      return `${source.by} ${grouped(source.seq)} of ${nameOf(source.host)}${tail}`;
    case 'failure':
      return said ?? source.code;
    case 'command':
      return `the manager, the command line or the API${tail}`;
    case 'inventory':
      return `the inventory${tail}`;
    case 'timer':
      return `its time was over${tail}`;
    case 'start':
      return `the service started${tail}`;
  }
}

/** The latest lines, in order of time. */
export function latest(lines: readonly ExplanationEvidence[]): readonly ExplanationEvidence[] {
  return [...lines].sort((a, b) => a.at - b.at).slice(-MOST);
}
