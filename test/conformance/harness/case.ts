/** Facts of a case: plain JSON. What a key means is said by its area's runner. */
export type Facts = Readonly<Record<string, unknown>>;

export interface ConformanceCase {
  readonly id: string;
  readonly area: string;
  readonly title: string;
  readonly given: Facts;
  readonly reported: Facts;
  readonly expect: Facts;
}

/** What a run found wrong; empty = passed. */
export type Failures = string[];

export type AreaRunner = (c: ConformanceCase, failures: Failures) => Promise<void>;

export const isFacts = (value: unknown): value is Facts =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const factsOf = (value: unknown): Facts => (isFacts(value) ? value : {});
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : String(value));

export function show(value: unknown): string {
  return JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v)) ?? 'undefined';
}
