/** Settings of the core, as plain values. Names are those of vurti.yaml; the schema with ranges is in src/monitor. */
export interface PollSettings {
  /** Host and VM statistics of a healthy host are asked this often. */
  readonly intervalSeconds: number;
  /** Longest interval that adaptive polling may choose. */
  readonly maxIntervalSeconds: number;
  /** For statistics, and for any sign of life of a silent host. Below the interval. */
  readonly deadlineSeconds: number;
  readonly capabilitiesDeadlineSeconds: number;
  /** Capabilities of a host in contact are read again this often, beside what makes that necessary at once. */
  readonly capabilitiesIntervalSeconds: number;
  readonly hardwareInfoDeadlineSeconds: number;
  /** Requests in flight over all hosts. */
  readonly concurrency: number;
  /** Ticks per interval (oVirt's NumberVmRefreshesBeforeSave): a host without contact is tried at each tick. */
  readonly ticksPerInterval: number;
}

export interface GraceSettings {
  /** A host is lost only after more failed attempts than this … */
  readonly attempts: number;
  /** … and after this time without an answer, … */
  readonly seconds: number;
  /** … longer by this for each VM it runs … */
  readonly perVmSeconds: number;
  /** … and by this when it is, or is about to be, the storage pool manager. */
  readonly spmSeconds: number;
}

export interface AgentSettings {
  /** Requests in flight per host. */
  readonly maxInFlight: number;
  readonly maxAnswerMiB: number;
}

/** What clusters and hosts may have of their own. */
export interface HostSettings {
  readonly poll: PollSettings;
  readonly grace: GraceSettings;
  readonly agents: AgentSettings;
  readonly absence: { readonly misses: number };
  readonly recoveryTimeoutSeconds: number;
}

export interface MonitorSettings extends HostSettings {
  readonly mode: 'observer' | 'manager';
  /** enabled false: agents are polled only. */
  readonly push: { readonly enabled: boolean };
  /** A certificate that ends within so many days is warned of. */
  readonly certificates: { readonly warnDays: number };
  /** changes 0: nothing is damped. */
  readonly flap: { readonly changes: number; readonly windowSeconds: number };
  /** What vurti itself does about advice, in manager mode only (D25). */
  readonly actions: { readonly destroyLeftovers: boolean };
  readonly statistics: { readonly persistIntervalSeconds: number; readonly historyLimit: number };
  readonly thresholds: {
    readonly cpuPercent: number;
    readonly memoryPercent: number;
    readonly networkPercent: number;
    readonly swapPercent: number;
    readonly swapFreeMiB: number;
    readonly diskLowMiB: number;
    readonly diskCriticalMiB: number;
    readonly timeDriftSeconds: number;
    readonly nicDownGraceSeconds: number;
  };
  readonly guest: {
    /** Names of nics that a guest makes for itself, as regular expressions for the whole name. */
    readonly nicBlacklist: readonly string[];
  };
  readonly balloon: {
    /** Polls in a row with a balloon problem before it is reported. */
    readonly iterations: number;
  };
  /** The name by which the hosted engine's VM is known where nobody told of it; null = there is none. */
  readonly hostedEngineVmName: string | null;
  readonly maintenance: {
    /** VMs made outside may stay on a host that goes into Maintenance. */
    readonly ignoreExternalVms: boolean;
    /** A host that still has VMs is asked so often to move them. */
    readonly retrySeconds: number;
  };
  readonly fencing: {
    /** No host is fenced that soon after our own start: it may be we who were away. */
    readonly startupDelaySeconds: number;
    /** A host that boots may be silent for so long. */
    readonly rebootSeconds: number;
  };
  readonly autoRecovery: {
    /** Hosts that a rule made NonOperational are activated again when nothing that we know forbids it. */
    readonly hosts: boolean;
    readonly intervalSeconds: number;
  };
  readonly haRestart: {
    /** Between the first tries … */
    readonly retrySeconds: number;
    readonly shortTries: number;
    /** … and between all others. */
    readonly longRetrySeconds: number;
    /** A VM waits no longer than this, in all, for VMs of higher priority. */
    readonly maxBlockedSeconds: number;
  };
  readonly events: {
    /** Records of the log that are older may go; 0 = none. */
    readonly retentionDays: number;
    /** The oldest go when there are more; 0 = no limit. */
    readonly maxRows: number;
  };
  readonly watchdog: {
    /** How often hosts are looked for that were not heard for `thresholdSeconds`; 0 = never. */
    readonly intervalSeconds: number;
    readonly thresholdSeconds: number;
  };
  /** Own settings by cluster id or name, and by host id or name; a host's win. */
  readonly clusters: Readonly<Record<string, DeepPartial<HostSettings>>>;
  readonly hosts: Readonly<Record<string, DeepPartial<HostSettings>>>;
}

export type DeepPartial<T> = T extends object ? { readonly [K in keyof T]?: DeepPartial<T[K]> } : T;

/** Product defaults (experience.md §4; monitoring-rules.md §6 with decisions D3–D5, D22, D23). */
export const defaultSettings: MonitorSettings = {
  mode: 'observer',
  push: { enabled: true },
  certificates: { warnDays: 30 },
  poll: {
    intervalSeconds: 15,
    maxIntervalSeconds: 60,
    deadlineSeconds: 10,
    capabilitiesDeadlineSeconds: 60,
    capabilitiesIntervalSeconds: 1800,
    hardwareInfoDeadlineSeconds: 30,
    concurrency: 64,
    ticksPerInterval: 5,
  },
  grace: { attempts: 2, seconds: 60, perVmSeconds: 0.5, spmSeconds: 20 },
  agents: { maxInFlight: 2, maxAnswerMiB: 64 },
  absence: { misses: 2 },
  recoveryTimeoutSeconds: 180,
  flap: { changes: 6, windowSeconds: 300 },
  actions: { destroyLeftovers: false },
  statistics: { persistIntervalSeconds: 60, historyLimit: 40 },
  thresholds: {
    cpuPercent: 95,
    memoryPercent: 95,
    networkPercent: 95,
    swapPercent: 95,
    swapFreeMiB: 1004,
    diskLowMiB: 1000,
    diskCriticalMiB: 500,
    timeDriftSeconds: 300,
    nicDownGraceSeconds: 60,
  },
  guest: { nicBlacklist: ['lo[0-9]*', 'Loopback.*', 'tun[0-9]*', 'veth[0-9a-f]*'] },
  balloon: { iterations: 3 },
  hostedEngineVmName: 'HostedEngine',
  maintenance: { ignoreExternalVms: false, retrySeconds: 300 },
  fencing: { startupDelaySeconds: 300, rebootSeconds: 600 },
  autoRecovery: { hosts: true, intervalSeconds: 300 },
  haRestart: { retrySeconds: 30, shortTries: 10, longRetrySeconds: 1800, maxBlockedSeconds: 600 },
  events: { retentionDays: 30, maxRows: 10_000_000 },
  watchdog: { intervalSeconds: 900, thresholdSeconds: 1200 },
  clusters: {},
  hosts: {},
};

/** The given settings, and the defaults for all that is not given. */
export function completeSettings(given: DeepPartial<MonitorSettings>): MonitorSettings {
  const merged: Record<string, unknown> = { ...defaultSettings };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const usual = merged[name];
    const nested = typeof value === 'object' && typeof usual === 'object' && name !== 'clusters' && name !== 'hosts';
    merged[name] = nested ? { ...usual, ...value } : value;
  }
  return merged as unknown as MonitorSettings;
}

/** The settings of one host: its own, else its cluster's, else the general ones. Merged once and kept per host. */
export function hostSettings(
  settings: MonitorSettings,
  host: { readonly id: string; readonly name: string },
  cluster: { readonly id: string; readonly name: string } | undefined,
): HostSettings {
  const layers = [
    cluster && (settings.clusters[cluster.id] ?? settings.clusters[cluster.name]),
    settings.hosts[host.id] ?? settings.hosts[host.name],
  ];
  let result: HostSettings = {
    poll: settings.poll,
    grace: settings.grace,
    agents: settings.agents,
    absence: settings.absence,
    recoveryTimeoutSeconds: settings.recoveryTimeoutSeconds,
  };
  for (const layer of layers) {
    if (layer === undefined) continue;
    result = {
      poll: { ...result.poll, ...layer.poll },
      grace: { ...result.grace, ...layer.grace },
      agents: { ...result.agents, ...layer.agents },
      absence: { ...result.absence, ...layer.absence },
      recoveryTimeoutSeconds: layer.recoveryTimeoutSeconds ?? result.recoveryTimeoutSeconds,
    };
  }
  return result;
}
