import type { FieldChange } from '../model/index.js';
import type { EventName, Severity } from './catalogue.js';
import type { Cause } from './cause.js';

/** What all records have. A draft has no number yet; the store gives it in the transaction that writes the rows. */
interface RecordBase {
  readonly time: number;
  readonly hostId: string | null;
  readonly vmId: string | null;
  readonly clusterId: string | null;
  readonly cause: Cause;
  /** Records of one incident share it. */
  readonly correlation: string | null;
}

/** An entity changed. Never suppressed: state can be rebuilt from these. */
export interface ChangeRecord extends RecordBase {
  readonly kind: 'change';
  readonly entity: 'host' | 'vm' | 'cluster' | 'network';
  readonly entityId: string;
  readonly what: 'added' | 'changed' | 'removed';
  readonly changes: readonly FieldChange[];
}

/** What people read (docs/events.md). */
export interface EventRecord extends RecordBase {
  readonly kind: 'event';
  readonly name: EventName;
  readonly severity: Severity;
  readonly message: string;
  readonly params: Readonly<Record<string, string>>;
  /** Separates events of one name and entity in flood control (a nic's name). */
  readonly customId: string | null;
  /** The event that this one is a part of. */
  readonly parent: string | null;
  /** Our own id of the event, for `parent` of others. */
  readonly id: string;
}

/** Advice to the host application (D25). */
export interface IntentRecord extends RecordBase {
  readonly kind: 'intent';
  readonly intent: IntentKind;
  /** The same for the same advice, through restarts: do it once. */
  readonly key: string;
  /** Tells apart what is advised several times while nothing else changes; usually 0. */
  readonly round: number;
  /** When the VM, or else the host, came to the status that the advice is about. */
  readonly since: number | null;
  /** Observer mode: for information, nobody may act on it. */
  readonly advisory: boolean;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** Committed advice as it is delivered. */
export type Intent = IntentRecord & {
  /** Its place in the log; null when it was given before this process started. */
  readonly cursor: string | null;
};

export type IntentKind =
  | 'destroy'
  | 'rerun'
  | 'autoRun'
  | 'coldReboot'
  | 'processDownVm'
  | 'fence'
  | 'restartOnLease'
  | 'migrateVms'
  | 'activate'
  | 'initVdsOnUp'
  | 'maintenanceNumberOfVdss'
  | 'disconnectStoragePool'
  | 'importVm'
  | 'importHostedEngine'
  | 'saveExternalData';

export type LogRecordDraft = ChangeRecord | EventRecord | IntentRecord;

/** What kind of record it is, in one word: the name of an event, "vm.changed", the kind of an advice. */
export function nameOfRecord(draft: LogRecordDraft): string {
  switch (draft.kind) {
    case 'change':
      return `${draft.entity}.${draft.what}`;
    case 'event':
      return draft.name;
    case 'intent':
      return draft.intent;
  }
}

/** A committed record with its place in the log. */
export type LogRecord = LogRecordDraft & {
  /** Opaque outside vurti. */
  readonly cursor: string;
  readonly seq: number;
};
