import type { ContainerModule } from 'inversify';
import type { Store } from '../events/index.js';
import type { Fetcher } from '../fetcher/index.js';
import type { Clock, Ids, Random, Scheduler, Telemetry } from '../kernel/index.js';
import type { AgentTls, ClusterSpec, DeepPartial, HostSpec, MonitorSettings, VmSpec } from '../model/index.js';
import type { Division } from '../repository/index.js';
import type { MonitorStatus } from './api.js';
import type { IntentHandler } from './intents/index.js';
import type { JournalSettings } from './open-database.js';

/** TLS to the agents; each part as PEM text or as the path of a PEM file. */
export interface AgentTlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly checkHostName?: boolean;
}

export interface MonitorOptions {
  /** observer: beside an engine, never acts. manager: we are the one who knows the VMs. Default observer. */
  readonly mode?: 'observer' | 'manager';
  readonly clusters?: readonly ClusterSpec[];
  readonly hosts?: readonly HostSpec[];
  /** The manager's VMs. Given at all, even empty, a VM not among them is a foreign one in manager mode (D26). */
  readonly vms?: readonly VmSpec[];
  readonly agents?: { readonly tls?: AgentTlsOptions | AgentTls; readonly protocol?: 'vdsm' | 'http' } & Partial<
    MonitorSettings['agents']
  >;
  /** The settings of vurti.yaml that concern the core: poll, grace, absence, statistics, … */
  readonly settings?: DeepPartial<MonitorSettings>;
  /** Where state and log are kept. Default: in memory. The monitor closes it at its stop. */
  readonly store?: Store;
  /** A PostgreSQL database of vurti's own, instead of `store`. */
  readonly database?: {
    readonly url: string;
    readonly schema?: string;
    readonly takeOver?: boolean;
    /** Default: none. While the database is away, changes wait in memory and a crash loses them. */
    readonly journal?: JournalSettings;
  };
  /** How hosts are divided into repositories. Default: one for all. */
  readonly sets?: Division;
  /** Follows advice in manager mode, beside what settings.actions does. An observer’s is never called. */
  readonly intentHandler?: IntentHandler;
  /** Further lines for the attention list of the status: what the service around the monitor has to say. */
  readonly troubles?: () => MonitorStatus['attention'];
  readonly fetcher?: Fetcher;
  readonly clock?: Clock;
  readonly scheduler?: Scheduler;
  readonly random?: Random;
  readonly ids?: Ids;
  /** Log lines, counters and spans. Default: silent. */
  readonly telemetry?: Telemetry;
  /** The expert's door: inversify modules that rebind parts (see `tokens`). */
  readonly modules?: readonly ContainerModule[];
}
