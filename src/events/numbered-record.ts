import type { ChangeRecord, EventRecord, IntentRecord, LogRecord, LogRecordDraft } from './records.js';

/**
 * Copies of one shape for each kind. `{ ...draft, seq, cursor }` would give every record a shape of its own: V8 does not keep
 * what spreads of more than a few shapes come to. A shape takes as much memory as a record, and makes whoever reads the records
 * look up each field by its name. docs/performance.md, "Shapes".
 */
const copies = {
  change: ({ entity, entityId, what, changes, time, cause, hostId, vmId, clusterId, correlation }: ChangeRecord) => ({
    kind: 'change' as const,
    entity,
    entityId,
    what,
    changes,
    time,
    cause,
    hostId,
    vmId,
    clusterId,
    correlation,
    seq: 0,
    cursor: '',
  }),
  event: (draft: EventRecord) => ({
    kind: 'event' as const,
    id: draft.id,
    name: draft.name,
    severity: draft.severity,
    message: draft.message,
    params: draft.params,
    customId: draft.customId,
    parent: draft.parent,
    time: draft.time,
    cause: draft.cause,
    hostId: draft.hostId,
    vmId: draft.vmId,
    clusterId: draft.clusterId,
    correlation: draft.correlation,
    seq: 0,
    cursor: '',
  }),
  intent: (draft: IntentRecord) => ({
    kind: 'intent' as const,
    intent: draft.intent,
    key: draft.key,
    round: draft.round,
    since: draft.since,
    advisory: draft.advisory,
    evidence: draft.evidence,
    time: draft.time,
    cause: draft.cause,
    hostId: draft.hostId,
    vmId: draft.vmId,
    clusterId: draft.clusterId,
    correlation: draft.correlation,
    seq: 0,
    cursor: '',
  }),
};

/** Fields of each kind as this version makes it. */
const FIELDS: Readonly<Record<LogRecordDraft['kind'], number>> = { change: 11, event: 14, intent: 13 };

/** The record under its number. */
export function numberedRecord(draft: LogRecordDraft, seq: number, cursor: string): LogRecord {
  // From the journal of another version: whatever it has is kept.
  if (Object.keys(draft).length !== FIELDS[draft.kind]) return { ...draft, seq, cursor };
  const record =
    draft.kind === 'change'
      ? copies.change(draft)
      : draft.kind === 'event'
        ? copies.event(draft)
        : copies.intent(draft);
  record.seq = seq;
  record.cursor = cursor;
  return record;
}
