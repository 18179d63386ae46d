import type { Cause } from '../events/index.js';
import type { Clock } from '../kernel/index.js';
import type { FieldChange, Vm } from '../model/index.js';
import type { HostSets } from '../repository/index.js';
import { type Outbox, vmPart } from './outbox.js';
import type { Incident, RecordMaker } from './record-maker.js';
import { vmChanges, vmRows } from './vm-rows.js';

/** Writes down what became of a VM: repository, rows, change record and changes$ of one change, together. */
export class VmLedger {
  readonly #sets: HostSets;
  readonly #records: RecordMaker;
  readonly #clock: Clock;
  /** The rule that gave a VM its present status: for `explain`. */
  readonly #statusCauses = new Map<string, Cause>();

  constructor(sets: HostSets, records: RecordMaker, clock: Clock) {
    this.#sets = sets;
    this.#records = records;
    this.#clock = clock;
  }

  statusCause(vmId: string): Cause | undefined {
    return this.#statusCauses.get(vmId);
  }

  /** `ofState`: what of its state changed, where that is known. */
  store(
    before: Vm | undefined,
    after: Vm,
    cause: Cause,
    outbox: Outbox,
    incident?: Incident,
    ofState?: readonly FieldChange[],
  ): Outbox {
    const now = this.#clock.now();
    const host = after.dynamic.runOnVds === null ? undefined : this.#sets.hosts.get(after.dynamic.runOnVds);
    const about = { host, vm: after };
    this.#sets.putVm(after);
    for (const write of vmRows(before, after)) outbox.row(write);
    const changes = vmChanges(before, after, ofState);
    const what = before === undefined ? 'added' : 'changed';
    outbox.record(this.#records.change(about, 'vm', what, changes, cause, now, incident));
    const from = before?.dynamic.status;
    const to = after.dynamic.status;
    if (from !== to) this.#statusCauses.set(after.id, cause);
    if (from === undefined) outbox.change({ name: 'VmAdded', cause, ...vmPart(after) });
    else if (from === to) outbox.change({ name: 'VmUpdated', changes, cause, ...vmPart(after) });
    else outbox.change({ name: 'VmStateChanged', from, to, changes, cause, ...vmPart(after) });
    return outbox;
  }

  forget(vmId: string): void {
    this.#statusCauses.delete(vmId);
  }
}
