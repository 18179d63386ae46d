import { expect, it } from 'vitest';
import {
  changedLiveness,
  copyOfVdsStatistics,
  initialLiveness,
  type VdsLiveness,
  type VdsStatistics,
  vdsStatisticsFields,
} from '../../src/model/index.js';

const named = (names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, `value of ${name}`]));

it('a copy of a host’s figures has every field of the table, in its order', () => {
  const all = named(Object.keys(vdsStatisticsFields));
  expect(Object.entries(copyOfVdsStatistics(all as unknown as VdsStatistics))).toEqual(Object.entries(all));
});

it('a changed liveness has all that it had, but for what is changed', () => {
  const all = named(Object.keys(initialLiveness(0)));
  const before = { ...all };
  expect(changedLiveness(all as unknown as VdsLiveness, { attempts: 3 })).toEqual({ ...all, attempts: 3 });
  expect(all).toEqual(before);
});
