import { readFileSync } from 'node:fs';
import { messageOf } from '../../kernel/index.js';
import {
  type AgentTls,
  type DeepPartial,
  defaultSettings,
  type HostSettings,
  type HostSpec,
  type MonitorSettings,
} from '../../model/index.js';
import type { LoadedSettings } from './load.js';
import { SettingsError, type SettingsProblem } from './problem.js';
import type { Settings } from './schema.js';

type Override = DeepPartial<HostSettings>;

/** What the core needs of the settings. */
export function coreSettings(settings: Settings): MonitorSettings {
  const { mode, poll, grace, absence, recoveryTimeoutSeconds, flap, statistics, thresholds } = settings;
  const {
    actions,
    maintenance,
    fencing,
    autoRecovery,
    haRestart,
    events,
    watchdog,
    guest,
    balloon,
    hostedEngineVmName,
  } = settings;
  const widest = (interval: number): number => Math.max(poll.maxIntervalSeconds, interval);
  /** An interval of its own above the general maximum moves that maximum along. */
  const own = (override: Settings['hosts'][string]): Override => {
    const interval = override.poll?.intervalSeconds;
    const adapted = interval === undefined ? {} : { maxIntervalSeconds: widest(interval) };
    const { poll: ownPoll, ...rest } = override;
    return { ...rest, ...(ownPoll === undefined ? {} : { poll: { ...adapted, ...ownPoll } }) } as Override;
  };
  const each = (record: Settings['hosts']): Record<string, Override> =>
    Object.fromEntries(Object.entries(record).map(([name, override]) => [name, own(override)]));
  return {
    mode,
    poll: { ...poll, maxIntervalSeconds: widest(poll.intervalSeconds) },
    grace,
    push: settings.push,
    certificates: { warnDays: settings.agents.tls?.warnDaysBeforeExpiry ?? defaultSettings.certificates.warnDays },
    agents: { maxInFlight: settings.agents.maxInFlight, maxAnswerMiB: settings.agents.maxAnswerMiB },
    absence,
    recoveryTimeoutSeconds,
    flap,
    actions,
    statistics,
    thresholds,
    maintenance,
    fencing,
    autoRecovery,
    haRestart,
    events,
    watchdog,
    guest,
    balloon,
    hostedEngineVmName,
    clusters: each(settings.clusters),
    hosts: each(settings.hosts),
  };
}

type TlsFiles = NonNullable<Settings['agents']['tls']>;

/** Reads every PEM file once. */
class TlsReader {
  readonly problems: SettingsProblem[] = [];
  readonly #texts = new Map<string, string>();

  read(files: TlsFiles, where: string): AgentTls {
    const pem = (file: string | undefined): string | undefined =>
      file === undefined ? undefined : this.#text(file, where);
    const [ca, cert, key] = [pem(files.caFile), pem(files.certFile), pem(files.keyFile)];
    return {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      checkHostName: files.checkHostName ?? false,
    };
  }

  #text(file: string, where: string): string {
    const known = this.#texts.get(file);
    if (known !== undefined) return known;
    let text = '';
    try {
      text = readFileSync(file, 'utf8');
      if (!text.includes('-----BEGIN '))
        this.problems.push({ code: 'CONFIG_INVALID', where, message: `${file} is not a PEM file.` });
    } catch (error) {
      this.problems.push({ code: 'CONFIG_UNREADABLE', where, message: `${file} cannot be read: ${messageOf(error)}` });
    }
    this.#texts.set(file, text);
    return text;
  }
}

interface AgentAccess {
  /** Of every host without its own, those added later included. null = plain TCP. */
  readonly tls: AgentTls | null;
  readonly hosts: readonly HostSpec[];
}

/** Hosts with their credentials read from the files. @throws SettingsError */
export function agentAccess(loaded: LoadedSettings): AgentAccess {
  const { settings } = loaded;
  const reader = new TlsReader();
  const general = settings.agents.tls;
  const tls = general === undefined ? null : reader.read(general, loaded.origin(['agents', 'tls']).where);
  const hosts = loaded.hosts.map(({ entry, source, where }): HostSpec => {
    const { tls: own, plain, protocol, ...rest } = entry;
    return {
      ...(rest as Omit<HostSpec, 'tls'>),
      protocol: protocol ?? settings.agents.protocol,
      source,
      tls: plain === true ? null : own === undefined ? tls : reader.read({ ...general, ...own }, where),
    };
  });
  if (reader.problems.length > 0) throw new SettingsError(reader.problems);
  return { tls, hosts };
}
