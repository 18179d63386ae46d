import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ConformanceCase } from './harness/case.js';
import { runCase } from './harness/run.js';
import { misunderstood } from './harness/words.js';

interface Vocabulary {
  readonly paths: Readonly<Record<string, Readonly<Record<'given' | 'reported' | 'expect', readonly string[]>>>>;
  readonly values: { readonly events: readonly string[]; readonly actions: readonly string[] };
}

const vocabulary = JSON.parse(readFileSync(new URL('cases/vocabulary.json', import.meta.url), 'utf8')) as Vocabulary;

const empty: ConformanceCase = { id: 'X-1', area: 'vm', title: '', given: {}, reported: {}, expect: {} };

/** `a.b[].c` → { a: { b: { c: 1 } } } */
function holding(path: string): Record<string, unknown> {
  const names = path.replaceAll('[]', '').split('.');
  return names.reduceRight<unknown>((inner, name) => ({ [name]: inner }), 1) as Record<string, unknown>;
}

describe('the words of conformance cases', () => {
  const paths = Object.entries(vocabulary.paths).flatMap(([area, parts]) =>
    Object.entries(parts).flatMap(([part, list]) => list.map((path) => [area, part, path] as const)),
  );

  // A path of the vocabulary may be a word of which only some values are allowed: here only the key counts.
  it.each(paths)('%s: %s.%s is a key', (area, part, path) => {
    const problems = misunderstood({ ...empty, area, [part]: holding(path) });
    expect(problems.filter((problem) => problem.endsWith('is not a known key'))).toEqual([]);
  });

  it('knows every event and every action', () => {
    const actions = vocabulary.values.actions.map((word) =>
      word.startsWith('{') ? { [word.slice(1, word.indexOf(':'))]: 'H1' } : word,
    );
    const notEvents = vocabulary.values.events;
    expect(misunderstood({ ...empty, expect: { notEvents, actions } })).toEqual([]);
  });

  it.each<[string, Partial<ConformanceCase>]>([
    ['given.vm.colour is not a known key', { given: { vm: { status: 'Up', colour: 'red' } } }],
    ['reported.vm.mood is not a known key', { reported: { mode: 'poll', vm: { mood: 'good' } } }],
    ['expect.vms.V1.colour is not a known key', { expect: { vms: { V1: { colour: 'red' } } } }],
    ['there is no event "VM_ODD"', { expect: { notEvents: ['VM_ODD'] } }],
    ['there is no action "odd"', { expect: { notActions: ['odd'] } }],
    ['there is no action "odd"', { expect: { actions: [{ odd: 'H1' }] } }],
    ['failure: "mood" is not understood', { reported: { failure: 'mood' } }],
    ['there is no harness for the area "odd"', { area: 'odd' }],
  ])('a case fails that cannot be understood: %s', async (problem, odd) => {
    const { pass, failures } = await runCase({ ...empty, ...odd });
    expect(pass).toBe(false);
    expect(failures).toContain(problem);
  });

  it('keys that hold nothing are keys all the same', () => {
    expect(misunderstood({ ...empty, given: { colour: null } })).toEqual(['given.colour is not a known key']);
  });
});
