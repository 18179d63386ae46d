import type { Change, ChangeSet, Committer, EventRecord, LogRecordDraft, Streams } from '../events/index.js';
import type { Telemetry } from '../kernel/index.js';
import type { RowWrite } from '../model/index.js';
import type { FloodControl } from './flood-control.js';
import type { IntentBook } from './intent-book.js';

export interface OutboxPorts {
  readonly committer: Committer;
  readonly streams: Streams;
  readonly flood: FloodControl;
  readonly intents: IntentBook;
  readonly telemetry: Telemetry;
}

/** What one decision sends out: rows and records to the committer first, then its changes to the stream, when they may be seen. */
export class Outbox {
  readonly #rows: RowWrite[] = [];
  readonly #records: LogRecordDraft[] = [];
  readonly #changes: Change[] = [];
  readonly #ports: OutboxPorts;

  constructor(ports: OutboxPorts) {
    this.#ports = ports;
  }

  row(write: RowWrite): void {
    this.#rows.push(write);
  }

  /** False: it is held back, or was given already. */
  record(record: LogRecordDraft): boolean {
    if (record.kind === 'event' && !this.#admits(record)) return false;
    if (record.kind === 'intent') {
      const rows = this.#ports.intents.admit(record);
      if (rows === null) return false;
      this.#rows.push(...rows);
    }
    this.#records.push(record);
    return true;
  }

  change(change: Change): void {
    this.#changes.push(change);
    this.#rows.push(...this.#ports.intents.follow(change));
  }

  send(): void {
    const changeSet: ChangeSet = { rows: this.#rows, records: this.#records };
    if (this.#changes.length > 0) this.#ports.committer.commit(changeSet, () => this.#publish());
    else if (this.#rows.length > 0 || this.#records.length > 0) this.#ports.committer.commit(changeSet);
  }

  #publish(): void {
    for (const change of this.#changes) this.#ports.streams.changes.publish(change);
  }

  #admits(event: EventRecord): boolean {
    const admitted = this.#ports.flood.admits(event);
    this.#ports.telemetry.count(admitted ? 'vurti_events_total' : 'vurti_events_held_back_total', 1, {
      name: event.name,
    });
    return admitted;
  }
}

export const hostPart = (current: Extract<Change, { name: 'VdsAdded' }>['current']) => ({
  host: { id: current.id, name: current.static.name, clusterId: current.static.clusterId },
  current,
});

export const vmPart = (current: Extract<Change, { name: 'VmAdded' }>['current']) => ({
  vm: { id: current.id, name: current.static.name, host: current.dynamic.runOnVds },
  current,
});
