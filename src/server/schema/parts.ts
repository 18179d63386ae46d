import { z } from 'zod';

/** Small parts of the answers. Descriptions go to docs/api.md, the OpenAPI document and the JSON Schemas alike. */

export const about = <S extends z.ZodType>(schema: S, description: string): S => schema.meta({ description });

/** RFC 3339, UTC, with milliseconds. */
export const time = z.iso.datetime();
export const timeOrNull = time.nullable();
export const text = z.string();
export const textOrNull = text.nullable();
export const whole = z.int();
export const wholeOrNull = whole.nullable();
export const number = z.number();
export const numberOrNull = number.nullable();
export const flag = z.boolean();

/** An enum of the model, by its names. */
export const namesOf = <N extends string>(ids: Readonly<Record<N, number>>): z.ZodEnum<{ [K in N]: K }> =>
  z.enum(Object.keys(ids) as N[]) as z.ZodEnum<{ [K in N]: K }>;

export const freshness = about(
  z.enum(['live', 'stale', 'unknown']),
  'live: reported within two intervals; stale: later than that; unknown: not reported, or its host is lost.',
);

/** What a schema describes, as a value that is only read. */
export type Wire<S extends z.ZodType> = Frozen<z.output<S>>;
type Frozen<T> = unknown extends T
  ? T
  : T extends readonly (infer E)[]
    ? readonly Frozen<E>[]
    : T extends object
      ? { readonly [K in keyof T]: Frozen<T[K]> }
      : T;
