import { VurtiError } from '../kernel/index.js';

const SHOWN = 5;

interface Named {
  /** Ids of the entities with this name. */
  named(name: string): readonly string[];
  has(id: string): boolean;
  ids(): Iterable<string>;
  nameOf(id: string): string;
}

/**
 * Finds an entity by id, by name, or by a beginning of an id that only one has.
 * @throws NOT_FOUND, AMBIGUOUS with the candidates
 */
export function resolveRef(kind: 'host' | 'VM', ref: string, among: Named): string {
  if (among.has(ref)) return ref;
  const named = among.named(ref);
  if (named.length === 1) return named[0] as string;
  const candidates = named.length > 1 ? named : ref === '' ? [] : [...among.ids()].filter((id) => id.startsWith(ref));
  if (candidates.length === 1) return candidates[0] as string;
  if (candidates.length === 0) throw new VurtiError('NOT_FOUND', `There is no ${kind} "${ref}"`, { details: { ref } });
  const list = candidates.slice(0, SHOWN).map((id) => `${among.nameOf(id)} (${id})`);
  const more = candidates.length > SHOWN ? ` and ${candidates.length - SHOWN} more` : '';
  throw new VurtiError('AMBIGUOUS', `"${ref}" may be ${list.join(', ')}${more}`, { details: { ref, candidates } });
}
