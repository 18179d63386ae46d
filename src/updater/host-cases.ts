import type { Clock } from '../kernel/index.js';
import type { EvidenceStamp, HostSettings, Vds, VdsStatus, Vm } from '../model/index.js';
import type { HostSets, Inventory } from '../repository/index.js';
import { type Claims, claimsOf, type HostCase, type HostRuleSettings } from '../rules/index.js';

export interface HostCasesOptions {
  readonly sets: HostSets;
  readonly inventory: Inventory;
  readonly settingsOf: (hostId: string) => HostSettings;
  readonly general: HostRuleSettings;
  readonly clock: Clock;
}

/** Gathers what the decision about a host depends on. What is seldom needed is looked up when a rule asks for it. */
export class HostCases {
  readonly #o: HostCasesOptions;
  readonly #claims = new Map<string, { readonly revision: number; readonly claims: Claims }>();
  #startedAt: number;

  constructor(options: HostCasesOptions) {
    this.#o = options;
    this.#startedAt = options.clock.now();
  }

  start(): void {
    this.#startedAt = this.#o.clock.now();
  }

  /** undefined: there is no such host. */
  of(hostId: string, stamp: EvidenceStamp): HostCase | undefined {
    const { sets, inventory, settingsOf, general, clock } = this.#o;
    const set = sets.setOfHost(hostId);
    const host = set?.vds.get(hostId);
    const liveness = set?.vds.liveness(hostId);
    if (set === undefined || host === undefined || liveness === undefined) return undefined;
    const { clusterId } = host.static;
    return {
      now: clock.now(),
      stamp,
      host,
      usage: set.vds.usage(hostId),
      liveness,
      settings: settingsOf(hostId),
      general,
      startedAt: this.#startedAt,
      cluster: inventory.cluster(clusterId),
      networks: inventory.networks(clusterId),
      firstUpHostOs: this.#firstUpHostOs(host),
      clusterStatuses: () => this.#statusesIn(clusterId),
      vms: () => this.#vmsOn(hostId),
      incomingVms: () => this.#vmsTo(hostId),
      claims: () => this.#claimsOn(hostId),
      imageTransfers: inventory.imageTransfers(hostId),
    };
  }

  forget(hostId: string): void {
    this.#claims.delete(hostId);
  }

  /** Added up again only when something of a VM on the host has changed. */
  #claimsOn(hostId: string): Claims {
    const { vms } = this.#o.sets;
    const revision = vms.revisionOf(hostId);
    const known = this.#claims.get(hostId);
    if (known?.revision === revision) return known.claims;
    const claims = claimsOf(this.#vmsOn(hostId), (vmId) => vms.unsettled(vmId)?.reason === 'missing');
    this.#claims.set(hostId, { revision, claims });
    return claims;
  }

  #firstUpHostOs(host: Vds): string | null {
    for (const id of this.#o.sets.hosts.byCluster(host.static.clusterId)) {
      const other = this.#o.sets.hosts.get(id);
      if (id !== host.id && other?.dynamic.status === 'Up') return other.dynamic.hostOs;
    }
    return null;
  }

  *#statusesIn(clusterId: string): Iterable<VdsStatus> {
    for (const id of this.#o.sets.hosts.byCluster(clusterId)) {
      const host = this.#o.sets.hosts.get(id);
      if (host !== undefined) yield host.dynamic.status;
    }
  }

  *#vmsOn(hostId: string): Iterable<Vm> {
    for (const id of this.#o.sets.vms.byHost(hostId)) {
      const vm = this.#o.sets.vms.get(id);
      if (vm !== undefined) yield vm;
    }
  }

  *#vmsTo(hostId: string): Iterable<Vm> {
    for (const id of this.#o.sets.vms.byStatus('MigratingFrom')) {
      const vm = this.#o.sets.vms.get(id);
      if (vm?.dynamic.migratingToVds === hostId) yield vm;
    }
  }
}
