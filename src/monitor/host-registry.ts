import {
  type AgentTls,
  type HostEndpoint,
  type HostSettings,
  type HostSpec,
  hostSettings,
  type MonitorSettings,
} from '../model/index.js';
import type { HostSets, Inventory } from '../repository/index.js';
import type { HostLeaving } from './api.js';

/** VDSM's port. */
const DEFAULT_PORT = 54321;

/** Where each host's agent listens and which settings it has: worked out once, and again when the inventory changes. */
export class HostRegistry {
  readonly #sets: HostSets;
  readonly #inventory: Inventory;
  readonly #settings: MonitorSettings;
  #tls: AgentTls | null;
  readonly #ownTls = new Map<string, AgentTls | null>();
  readonly #leaving = new Map<string, HostLeaving>();
  readonly #endpoints = new Map<string, HostEndpoint>();
  readonly #hostSettings = new Map<string, HostSettings>();

  constructor(sets: HostSets, inventory: Inventory, settings: MonitorSettings, tls: AgentTls | null) {
    this.#sets = sets;
    this.#inventory = inventory;
    this.#settings = settings;
    this.#tls = tls;
  }

  /** TLS is not stored with the host: keys stay in memory. */
  noteSpec(id: string, spec: HostSpec): void {
    if (spec.tls !== undefined) this.#ownTls.set(id, spec.tls);
    this.#leaving.delete(id);
    this.changed(id);
  }

  noteLeaving(id: string, leaving: HostLeaving | null): void {
    if (leaving === null) this.#leaving.delete(id);
    else this.#leaving.set(id, leaving);
  }

  /** Hosts that no source lists any more. */
  leaving(): ReadonlyMap<string, HostLeaving> {
    return this.#leaving;
  }

  /** The general settings have changed in place, or the TLS of hosts without their own has. */
  settingsChanged(tls: AgentTls | null | undefined): void {
    if (tls !== undefined) this.#tls = tls;
    this.#endpoints.clear();
    this.#hostSettings.clear();
  }

  changed(id: string): void {
    this.#endpoints.delete(id);
    this.#hostSettings.delete(id);
  }

  forget(id: string): void {
    this.changed(id);
    this.#ownTls.delete(id);
    this.#leaving.delete(id);
  }

  endpointOf(id: string): HostEndpoint | undefined {
    const known = this.#endpoints.get(id);
    if (known !== undefined) return known;
    const host = this.#sets.hosts.get(id)?.static;
    if (host === undefined) return undefined;
    const { name, address, port, protocol } = host;
    const tls = this.#ownTls.has(id) ? (this.#ownTls.get(id) ?? null) : this.#tls;
    const endpoint = { id, name, address, port: port ?? DEFAULT_PORT, protocol, tls };
    this.#endpoints.set(id, endpoint);
    return endpoint;
  }

  settingsOf(id: string): HostSettings {
    const known = this.#hostSettings.get(id);
    if (known !== undefined) return known;
    const host = this.#sets.hosts.get(id)?.static;
    if (host === undefined) return this.#settings;
    const settings = hostSettings(this.#settings, host, this.#inventory.cluster(host.clusterId));
    this.#hostSettings.set(id, settings);
    return settings;
  }
}
