import { z } from 'zod';
import { type CatalogueEntry, catalogue, severityIds } from '../events/index.js';
import { VurtiError } from '../kernel/index.js';
import { vdsStatusIds, vmStatusIds } from '../model/index.js';
import { closest, hostEntry, intentKinds } from '../monitor/index.js';
import { schemas } from './schema/answers.js';
import { about } from './schema/parts.js';

/** How an input looks to a client, where that is not what zod sees: everything arrives as text. */
export const shownAs = z.registry<{ readonly json: Readonly<Record<string, unknown>> }>();

function shown<S extends z.ZodType>(schema: S, json: Readonly<Record<string, unknown>>): S {
  shownAs.add(schema, { json });
  return schema;
}

/** "a,b" or a repeated parameter. */
const parts = z.union([z.string().max(10_000), z.array(z.string().max(10_000)).max(1000)]).transform((value) =>
  [value]
    .flat()
    .flatMap((text) => text.split(','))
    .map((text) => text.trim())
    .filter((text) => text !== ''),
);
const list = (description: string): z.ZodType<readonly string[]> =>
  about(
    shown(
      parts.transform((given): readonly string[] => given),
      { type: 'array', items: { type: 'string' } },
    ),
    description,
  );

/** Names of an enum by comma; case does not matter, and a mistyped one is told from a rare one. */
function names<N extends string>(known: readonly N[], description: string): z.ZodType<readonly N[]> {
  const byLower = new Map(known.map((name) => [name.toLowerCase(), name]));
  const schema = parts.transform((given, context): readonly N[] =>
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
  return about(shown(schema, { type: 'array', items: { type: 'string', enum: known } }), description);
}

const whole = (from: number, to: number, description: string): z.ZodType<number> =>
  about(
    shown(
      z
        .string()
        .regex(/^\d{1,9}$/, 'must be a whole number')
        .transform(Number)
        .refine((value) => value >= from && value <= to, `must be from ${from} to ${to}`),
      { type: 'integer', minimum: from, maximum: to },
    ),
    description,
  );
const flag = (description: string): z.ZodType<boolean> =>
  about(
    shown(
      z.enum(['true', 'false', '']).transform((value) => value !== 'false'),
      { type: 'boolean' },
    ),
    description,
  );
const time = (description: string): z.ZodType<number> =>
  about(
    shown(
      z.iso
        .datetime({ offset: true, error: 'must be a time like 2026-01-31T09:00:00Z' })
        .transform((text) => new Date(text).getTime()),
      { type: 'string', format: 'date-time' },
    ),
    description,
  );
const place = (description: string): z.ZodString => about(z.string().max(40), description);
const keysOf = <N extends string>(record: Readonly<Record<N, unknown>>): N[] => Object.keys(record) as N[];

const hosts = list('Only of these hosts: names or ids.').optional();
const vms = list('Only of these VMs: names or ids.').optional();
const clusters = list('Only in these clusters: names or ids.').optional();
const freshness = names(['live', 'stale', 'unknown'] as const, 'Only with reports of this freshness.').optional();

/** A page of a list, and which keys of its items. */
const pageOf = (schema: z.ZodObject) => ({
  limit: whole(1, 1_000_000, 'At most so many; absent: all.').optional(),
  after: about(z.string().min(1).max(2000), 'The page after this: `next` of the page before.').optional(),
  ...fieldsOf(schema),
});
const fieldsOf = (schema: z.ZodObject) => ({
  fields: names(Object.keys(schema.shape), 'Only these keys of each item.').optional(),
});

export const hostsQuery = z.strictObject({
  status: names(keysOf(vdsStatusIds), 'Only in these statuses.').optional(),
  cluster: clusters,
  host: hosts,
  freshness,
  ...pageOf(schemas.Host),
});
export const vmsQuery = z.strictObject({
  status: names(keysOf(vmStatusIds), 'Only in these statuses.').optional(),
  cluster: clusters,
  host: hosts,
  freshness,
  ...pageOf(schemas.Vm),
});
export const clustersQuery = z.strictObject(pageOf(schemas.Cluster));
export const intentsQuery = z.strictObject({
  type: names(intentKinds, 'Only of these kinds.').optional(),
  host: hosts,
  vm: vms,
  ...pageOf(schemas.PendingIntent),
});
export const commandsQuery = z.strictObject({ vm: vms, ...pageOf(schemas.Command) });
export const inventoryQuery = z.strictObject({
  entity: names(['cluster', 'host', 'vm'] as const, 'Only these kinds of entities.').optional(),
  limit: whole(1, 1_000_000, 'At most so many; absent: all.').optional(),
  after: about(z.string().min(1).max(2000), 'The page after this: `next` of the page before.').optional(),
});
export const keyParams = z.strictObject({
  key: about(z.string().min(1).max(500), 'Key, or a beginning that only one has.'),
});
export const noQuery = z.strictObject({});
export const noParams = z.strictObject({});
export const readyQuery = z.strictObject({
  level: about(z.enum(['serving', 'synced']), 'How far the service has to be.').default('serving'),
});

const longestWaitSeconds = 30;
/** Which records: the same for a page and for a stream. */
const recordFilter = {
  host: hosts,
  vm: vms,
  cluster: clusters,
  since: time('From this time.').optional(),
  until: time('Up to this time.').optional(),
};
const eventFilter = {
  severity: names(keysOf(severityIds), 'This and worse.')
    .refine((given) => given.length === 1, 'must be one severity')
    .transform(([one]) => one)
    .optional(),
  ...recordFilter,
  changes: flag('With what changed with each event.').default(false),
};
const logPage = {
  after: place('Records after this cursor; `oldest`: from the first one kept. Absent: the newest ones.').optional(),
  before: place('Backwards from before this cursor.').optional(),
  limit: whole(1, 1000, 'At most so many.').default(100),
  wait: whole(0, longestWaitSeconds, 'When there is none: wait so many seconds for one.').default(0),
  reverse: flag('Newest first.').default(false),
};
const eventNames = keysOf<keyof typeof catalogue>(catalogue satisfies Record<string, CatalogueEntry>);

export const eventsQuery = z.strictObject({
  ...eventFilter,
  ...logPage,
  type: names(eventNames, 'Only events of these names.').optional(),
  ...fieldsOf(schemas.Event),
});

const recordKinds = ['event', 'change', 'intent'] as const;
const changeNames = ['host', 'vm', 'cluster', 'network'].flatMap((entity) =>
  ['added', 'changed', 'removed'].map((what) => `${entity}.${what}`),
);
export const changesQuery = z.strictObject({
  ...recordFilter,
  ...logPage,
  type: names(changeNames, 'Only these kinds of changes.').optional(),
  ...fieldsOf(schemas.Change),
});
export type ChangesQuery = z.output<typeof changesQuery>;

export const streamQuery = z.strictObject({
  ...eventFilter,
  after: place('Records after this cursor; `oldest`: from the first one kept. Absent: from now on.').optional(),
  kind: names(recordKinds, 'Kinds of records.').default(['event']),
  type: names<string>([...eventNames, ...changeNames], 'Only records of these names.').optional(),
  follow: flag('Go on with what is to come.').default(true),
});
export type StreamQuery = z.output<typeof streamQuery>;

const ref = about(z.string().min(1).max(255), 'Name, id, or a beginning of an id that only one has.');
export const refParams = z.strictObject({ ref });
export const rawParams = z.strictObject({ ref, method: z.string().min(1).max(100) });
export const rawQuery = z.strictObject({ vm: ref.optional() });
export const explainParams = z.strictObject({ kind: z.enum(['vm', 'host']), ref });

/** Certificates are files of the service's machine: they are not named over the wire. */
export const hostBody = hostEntry.omit({ tls: true, plain: true });
const text = (max: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}]+$/u, 'must be text without control characters');
export const maintenanceBody = z
  .strictObject({ reason: about(text(500), 'For others to read.').optional() })
  .optional();
const vmId = about(text(255), 'Id of the VM, which need not be known yet, or the name of one that is.');
const commandName = about(
  z.string().regex(/^[\w.:-]{1,60}$/, 'must be a word'),
  'What is done to the VM: start, run, migrate, shutdown, destroy, …',
);
export const commandBody = z.strictObject({
  vm: vmId,
  command: commandName,
  ttlSeconds: about(
    z.int().min(1).max(604_800),
    'It counts as ended after so long. Default 600; of start, run and migrate 21600.',
  ).optional(),
});
export const commandParams = z.strictObject({ vm: vmId, command: commandName });
export const reloadBody = z
  .strictObject({
    acceptRemovals: about(
      z.boolean(),
      'Also when a source of hosts is empty or lost more than half of them.',
    ).optional(),
  })
  .optional();
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
