import { parseArgs } from 'node:util';

type Value = number | string | boolean;
type Widened<V> = V extends number ? number : V extends boolean ? boolean : string;

/** A flag of a bench: its default says of which kind it is. */
export interface Flag<V extends Value = Value> {
  readonly value: V;
  readonly doc: string;
}

export type Values<F extends Readonly<Record<string, Flag>>> = { readonly [K in keyof F]: Widened<F[K]['value']> };

export interface Given<F extends Readonly<Record<string, Flag>>> {
  readonly flags: Values<F>;
  /** Where the figures go as JSON. */
  readonly json: string | undefined;
}

/** Reads the command line; tells what is there and ends the process for --help or a flag that is not understood. */
export function readFlags<F extends Readonly<Record<string, Flag>>>(known: F): Given<F> {
  const options = Object.fromEntries(
    Object.entries(known).map(([name, { value }]) => [
      name,
      { type: typeof value === 'boolean' ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  try {
    const { values } = parseArgs({ options: { ...options, json: { type: 'string' }, help: { type: 'boolean' } } });
    const given: Readonly<Record<string, string | boolean | undefined>> = values;
    if (given['help'] === true) {
      console.log(usage(known));
      process.exit(0);
    }
    const flags = Object.entries(known).map(([name, { value }]) => [name, flagValue(name, value, given[name])]);
    const json = given['json'];
    return { flags: Object.fromEntries(flags) as Values<F>, json: typeof json === 'string' ? json : undefined };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage(known)}`);
    process.exit(2);
  }
}

function flagValue(name: string, initial: Value, given: string | boolean | undefined): Value {
  if (given === undefined) return initial;
  if (typeof initial !== 'number') return given;
  const number = Number(given);
  if (!Number.isFinite(number) || number < 0 || given === '') throw new Error(`--${name} ${given} is not a number`);
  return number;
}

function usage(known: Readonly<Record<string, Flag>>): string {
  const lines = Object.entries(known).map(
    ([name, { value, doc }]) => `  --${`${name}${typeof value === 'boolean' ? '' : ` ${value}`}`.padEnd(24)}${doc}`,
  );
  return [...lines, `  --${'json OUT'.padEnd(24)}write the figures as JSON`].join('\n');
}
