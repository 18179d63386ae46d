import { cpuOf } from './cpu.js';
import { median } from './numbers.js';

/** One thing to be timed: does its work `times` times, or prepares a round and gives the work to be timed. */
export interface Contender {
  readonly name: string;
  /** Untimed. Gives what is timed, and how many units of work it does. */
  readonly prepare: () => { readonly units: number; readonly run: () => void };
}

/**
 * CPU µs per unit of each contender, median of so many rounds after two to warm up. They take turns within a round, so that
 * what else the machine does meanwhile hits all of them: their ratios hold even when the figures do not.
 */
export function compare(contenders: readonly Contender[], rounds: number): Map<string, number> {
  const results = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = -2; round < rounds; round++) {
    for (const { name, prepare } of contenders) {
      const { units, run } = prepare();
      globalThis.gc?.();
      const micros = cpuOf(run) / units;
      if (round >= 0) results.get(name)?.push(micros);
    }
  }
  return new Map([...results].map(([name, values]) => [name, median(values)]));
}
