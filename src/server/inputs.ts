import { z } from 'zod';
import { type CatalogueEntry, catalogue, severityIds } from '../events/index.js';
import { VurtiError } from '../kernel/index.js';
import { vdsStatusIds, vmStatusIds } from '../model/index.js';
import { closest, hostEntry, intentKinds } from '../monitor/index.js';

/** "a,b" or a repeated parameter. */
const list = z.union([z.string().max(10_000), z.array(z.string().max(10_000)).max(1000)]).transform((value) =>
  [value]
    .flat()
    .flatMap((text) => text.split(','))
    .map((text) => text.trim())
    .filter((text) => text !== ''),
);

/** Names of an enum by comma; case does not matter, and a mistyped one is told from a rare one. */
function names<N extends string>(known: readonly N[]): z.ZodType<readonly N[]> {
  const byLower = new Map(known.map((name) => [name.toLowerCase(), name]));
  return list.transform((given, context) =>
    given.map((text) => {
      const name = byLower.get(text.toLowerCase());
      if (name !== undefined) return name;
      const meant = closest(text, known);
      context.addIssue(
        `"${text.slice(0, 60)}" is not one of ${known.join(', ')}${meant === undefined ? '' : `; did you mean ${meant}?`}`,
      );
      return z.NEVER;
    }),
  );
}

const whole = (from: number, to: number): z.ZodType<number> =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= from && value <= to, `must be from ${from} to ${to}`);
const flag = z.enum(['true', 'false', '']).transform((value) => value !== 'false');
const time = z.iso
  .datetime({ offset: true, error: 'must be a time like 2026-01-31T09:00:00Z' })
  .transform((text) => new Date(text).getTime());
const keysOf = <N extends string>(record: Readonly<Record<N, unknown>>): N[] => Object.keys(record) as N[];

const freshness = names(['live', 'stale', 'unknown'] as const).optional();
const page = { limit: whole(1, 1_000_000).optional() };

export const hostsQuery = z.strictObject({
  status: names(keysOf(vdsStatusIds)).optional(),
  cluster: list.optional(),
  host: list.optional(),
  freshness,
  ...page,
});
export const vmsQuery = z.strictObject({
  status: names(keysOf(vmStatusIds)).optional(),
  cluster: list.optional(),
  host: list.optional(),
  freshness,
  ...page,
});
export const intentsQuery = z.strictObject({
  type: names(intentKinds).optional(),
  host: list.optional(),
  vm: list.optional(),
  ...page,
});
export const keyParams = z.strictObject({ key: z.string().min(1).max(500) });
export const noQuery = z.strictObject({});
export const readyQuery = z.strictObject({ level: z.enum(['serving', 'synced']).default('serving') });

const longestWaitSeconds = 30;
/** Which events: the same for a page and for a stream. */
const eventFilter = {
  severity: names(keysOf(severityIds))
    .refine((given) => given.length === 1, 'must be one severity')
    .transform(([one]) => one)
    .optional(),
  host: list.optional(),
  vm: list.optional(),
  cluster: list.optional(),
  since: time.optional(),
  until: time.optional(),
  changes: flag.default(false),
};
const eventNames = keysOf<keyof typeof catalogue>(catalogue satisfies Record<string, CatalogueEntry>);

export const eventsQuery = z.strictObject({
  ...eventFilter,
  after: z.string().max(40).optional(),
  before: z.string().max(40).optional(),
  limit: whole(1, 1000).default(100),
  wait: whole(0, longestWaitSeconds).default(0),
  type: names(eventNames).optional(),
  reverse: flag.default(false),
});
export type EventsQuery = z.output<typeof eventsQuery>;

const recordKinds = ['event', 'change', 'intent'] as const;
const changeNames = ['host', 'vm', 'cluster', 'network'].flatMap((entity) =>
  ['added', 'changed', 'removed'].map((what) => `${entity}.${what}`),
);
export const streamQuery = z.strictObject({
  ...eventFilter,
  after: z.string().max(40).optional(),
  kind: names(recordKinds).default(['event']),
  type: names<string>([...eventNames, ...changeNames]).optional(),
  follow: flag.default(true),
});
export type StreamQuery = z.output<typeof streamQuery>;

export const refParams = z.strictObject({ ref: z.string().min(1).max(255) });
export const explainParams = z.strictObject({ kind: z.enum(['vm', 'host']), ref: z.string().min(1).max(255) });

/** Certificates are files of the service's machine: they are not named over the wire. */
export const hostBody = hostEntry.omit({ tls: true, plain: true });
const text = (max: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}]+$/u, 'must be text without control characters');
export const maintenanceBody = z.strictObject({ reason: text(500).optional() }).optional();
export const emptyBody = z.strictObject({}).optional();

/** @throws BAD_REQUEST that names every fault */
export function parse<S extends z.ZodType>(schema: S, input: unknown, what: string): z.output<S> {
  const parsed = schema.safeParse(input ?? undefined);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => {
    if (issue.code === 'unrecognized_keys') return unknownKeys(schema, issue);
    return `${[what, ...issue.path].join('.')}: ${issue.message}`;
  });
  throw new VurtiError('BAD_REQUEST', faults.slice(0, 20).join('; '));
}

function unknownKeys(schema: z.ZodType, issue: z.core.$ZodIssueUnrecognizedKeys): string {
  const known = schema instanceof z.ZodObject && issue.path.length === 0 ? Object.keys(schema.shape) : [];
  return issue.keys
    .map((key) => {
      const meant = closest(key, known);
      return `"${key.slice(0, 60)}" is not known here${meant === undefined ? '' : `; did you mean ${meant}?`}`;
    })
    .join('; ');
}
