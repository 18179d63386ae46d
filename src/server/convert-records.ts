import type { CauseSource, ChangeRecord, EventRecord, Intent, IntentRecord, LogRecord } from '../events/index.js';
import { type FieldChange, rowKinds } from '../model/index.js';
import { intentText } from '../monitor/index.js';
import { type Names, rfc3339, rfc3339OrNull } from './convert.js';
import type { ApiCause, ApiChange, ApiEvent, ApiIntent, ApiPendingIntent } from './wire.js';

export function apiEvent(record: EventRecord & LogRecord, names: Names, changes?: readonly FieldChange[]): ApiEvent {
  return {
    ...about(record, names),
    name: record.name,
    severity: record.severity,
    message: record.message,
    // The name at the time of the event, where the event has kept it.
    host: record.params['host'] ?? names.of('host', record.hostId),
    vm: record.params['vm'] ?? names.of('vm', record.vmId),
    customId: record.customId,
    eventId: record.id,
    parent: record.parent,
    params: record.params,
    ...(changes === undefined ? {} : { changes: changes.map(apiFieldChange) }),
  };
}

export function apiChange(record: ChangeRecord & LogRecord, names: Names): ApiChange {
  const { entity, entityId, what, changes } = record;
  return { ...about(record, names), entity, entityId, what, changes: changes.map(apiFieldChange) };
}

export function apiIntent(record: IntentRecord & LogRecord, names: Names): ApiIntent {
  const { intent, key, round, since, advisory, evidence } = record;
  return { ...about(record, names), intent, key, round, since: rfc3339OrNull(since), advisory, evidence };
}

export function apiPendingIntent(intent: Intent, names: Names): ApiPendingIntent {
  const { cursor } = intent;
  return { ...apiIntent({ ...intent, cursor: cursor ?? '', seq: 0 }, names), cursor, text: intentText(intent.intent) };
}

function about(record: LogRecord, names: Names) {
  return {
    cursor: record.cursor,
    time: rfc3339(record.time),
    host: names.of('host', record.hostId),
    hostId: record.hostId,
    vm: names.of('vm', record.vmId),
    vmId: record.vmId,
    clusterId: record.clusterId,
    correlation: record.correlation,
    cause: apiCause(record.cause.rule, record.cause.source, names),
  };
}

function apiCause(rule: string, source: CauseSource, names: Names): ApiCause {
  return {
    rule,
    by: source.by,
    at: rfc3339('at' in source ? source.at : source.receivedAt),
    host: 'host' in source ? (names.of('host', source.host) ?? source.host) : null,
    seq: 'seq' in source ? source.seq : null,
    code: source.by === 'failure' ? source.code : null,
  };
}

const timePaths: ReadonlySet<string> = new Set(
  Object.values(rowKinds).flatMap(({ fields }) =>
    Object.entries(fields).flatMap(([path, field]) => (field.kind === 'time' ? [path] : [])),
  ),
);

function apiFieldChange(change: FieldChange): FieldChange {
  if (!timePaths.has(change.path)) return change;
  const asTime = (value: unknown): unknown => (typeof value === 'number' ? rfc3339(value) : value);
  return { path: change.path, from: asTime(change.from), to: asTime(change.to) };
}
