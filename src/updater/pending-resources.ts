import type { Subscription } from 'rxjs';
import type { Change, Streams } from '../events/index.js';

export interface PendingSums {
  readonly memoryMb: number;
  readonly vcpus: number;
}

const nothing: PendingSums = { memoryMb: 0, vcpus: 0 };

/**
 * Memory and CPUs that VMs will take on hosts where they are about to start (oVirt PendingResourceManager, §2.7). The
 * manager says what is pending; it is dropped when the VM powers up, is down, or is told to be.
 */
export class PendingResources {
  readonly #byHost = new Map<string, Map<string, PendingSums>>();
  readonly #changed: (hostId: string, sums: PendingSums) => void;
  #subscription: Subscription | undefined;

  constructor(changed: (hostId: string, sums: PendingSums) => void) {
    this.#changed = changed;
  }

  /** One subscription for all VMs. */
  follow(streams: Streams): void {
    this.#subscription = streams.changes.stream$.subscribe((change) => this.#onChange(change));
  }

  stop(): void {
    this.#subscription?.unsubscribe();
  }

  /** Replaces what was pending for the VM on this host. */
  add(hostId: string, vmId: string, pending: PendingSums): void {
    const vms = this.#byHost.get(hostId);
    if (vms === undefined) this.#byHost.set(hostId, new Map([[vmId, pending]]));
    else vms.set(vmId, pending);
    this.#changed(hostId, this.sums(hostId));
  }

  clearVm(vmId: string): void {
    for (const [hostId, vms] of this.#byHost) {
      if (!vms.delete(vmId)) continue;
      if (vms.size === 0) this.#byHost.delete(hostId);
      this.#changed(hostId, this.sums(hostId));
    }
  }

  clearHost(hostId: string): void {
    if (this.#byHost.delete(hostId)) this.#changed(hostId, nothing);
  }

  sums(hostId: string): PendingSums {
    let { memoryMb, vcpus } = nothing;
    for (const pending of this.#byHost.get(hostId)?.values() ?? []) {
      memoryMb += pending.memoryMb;
      vcpus += pending.vcpus;
    }
    return { memoryMb, vcpus };
  }

  #onChange(change: Change): void {
    // Most changes are none of ours, and mostly nothing is pending at all.
    if (this.#byHost.size === 0) return;
    if (change.name === 'VdsRemoved') this.clearHost(change.host.id);
    else if (change.name === 'VmRemoved') this.clearVm(change.vm.id);
    else if (change.name === 'VmSignalled' && change.signal === 'poweringUp') this.clearVm(change.vm.id);
    else if (change.name === 'VmStateChanged' && change.to === 'Down') this.clearVm(change.vm.id);
  }
}
