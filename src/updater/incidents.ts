import type { VmReader, VmStatus } from '../model/index.js';
import type { Incident, RecordMaker } from './record-maker.js';

/**
 * What belongs together when a host is lost and comes back: the host's event is the parent of its VMs' events, and all of
 * them, from the loss to the return of the last VM, bear one correlation. An entry per host that is or was just lost.
 */
export class Incidents {
  readonly #records: RecordMaker;
  readonly #open = new Map<string, Incident>();

  constructor(records: RecordMaker) {
    this.#records = records;
  }

  /** Something happens to all VMs of the host at once. */
  begin(hostId: string): Incident {
    const incident = { correlation: this.#records.incident(), parent: null };
    this.#open.set(hostId, incident);
    return incident;
  }

  /** Contact is made again. undefined: nothing of it was Unknown. After a restart nobody knows how it began. */
  back(hostId: string, vms: VmReader): Incident | undefined {
    const known = this.#open.get(hostId);
    if (known === undefined && !hasUnknown(hostId, vms)) return undefined;
    const incident = { correlation: known?.correlation ?? this.#records.incident(), parent: null };
    this.#open.set(hostId, incident);
    return incident;
  }

  /** The event of the host that the events of its VMs are parts of from now on. */
  headedBy(hostId: string, parent: string | null): Incident | undefined {
    const incident = this.#open.get(hostId);
    if (incident === undefined) return undefined;
    const headed = { ...incident, parent };
    this.#open.set(hostId, headed);
    return headed;
  }

  /** What a decision about a VM by this host's report belongs to. */
  of(hostId: string, status: VmStatus | undefined): Incident | undefined {
    return status === 'Unknown' ? this.#open.get(hostId) : undefined;
  }

  /** The incident is over when the last VM of the host is known again. */
  settle(hostId: string, vms: VmReader): void {
    if (this.#open.has(hostId) && !hasUnknown(hostId, vms)) this.#open.delete(hostId);
  }

  forget(hostId: string): void {
    this.#open.delete(hostId);
  }
}

function hasUnknown(hostId: string, vms: VmReader): boolean {
  for (const id of vms.byHost(hostId)) if (vms.get(id)?.dynamic.status === 'Unknown') return true;
  return false;
}
