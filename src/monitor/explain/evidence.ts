import { unnamed } from '../../rules/index.js';
import type { TrailStep } from '../../updater/index.js';
import type { ExplanationEvidence } from './explanation.js';

const MOST = 8;
const grouped = (n: number): string => n.toLocaleString('en-US');

/** A decision about the entity of this name as a line of evidence. */
export function evidenceOf(step: TrailStep, name: string, nameOf: (hostId: string) => string): ExplanationEvidence {
  const { at, lastAt, times, rule, becomes, moves } = step;
  return {
    ...{ at, lastAt, times, rule, text: textOf(step, nameOf) },
    becomes: [
      ...(becomes === null ? [] : [{ name, ...becomes }]),
      ...(moves === null ? [] : [{ name, from: `on ${nameOf(moves.from)}`, to: `on ${nameOf(moves.to)}` }]),
    ],
  };
}

function textOf(step: TrailStep, nameOf: (hostId: string) => string): string {
  const { figures, notDone } = step;
  const details = [figures, figures === null ? (notDone[0]?.why ?? null) : null].filter((detail) => detail !== null);
  return [sourceText(step, nameOf), ...details].join('; ');
}

function sourceText({ source, said }: TrailStep, nameOf: (hostId: string) => string): string {
  switch (source.by) {
    case 'poll':
    case 'push': {
      const host = nameOf(source.host);
      return `${source.by} ${grouped(source.seq)} of ${host}${said === null ? '' : `: ${unnamed(said, host)}`}`;
    }
    case 'failure':
      // A VM's own line of the loss of its host; the error is the host's.
      if (said === null) return `its host ${nameOf(source.host)} was lost (${source.code})`;
      return unnamed(said, nameOf(source.host));
    case 'command':
      return 'the manager, the command line or the API said so';
    case 'inventory':
      return 'the inventory says so';
    case 'timer':
      return 'its time was over';
    case 'start':
      return 'the service started';
  }
}

/** The latest lines, in order of time. */
export function latest(lines: readonly ExplanationEvidence[]): readonly ExplanationEvidence[] {
  return [...lines].sort((a, b) => a.at - b.at).slice(-MOST);
}
