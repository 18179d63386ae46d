/**
 * A number per host that is another one after every change of a VM that runs there, or ran there before the change: whoever
 * finds the number that he has noted need not look at the VMs again. No number comes twice. Shared by all sets.
 */
export class HostRevisions {
  readonly #byHost = new Map<string, number>();
  #last = 0;

  of(hostId: string): number {
    return this.#byHost.get(hostId) ?? 0;
  }

  changed(hostId: string | null | undefined): void {
    if (hostId === null || hostId === undefined) return;
    this.#last += 1;
    this.#byHost.set(hostId, this.#last);
  }

  forget(hostId: string): void {
    this.#byHost.delete(hostId);
  }
}
