import { type DeepPartial, defaultSettings, type MonitorSettings } from '../model/index.js';
import { loadAgentTls } from './agent-tls.js';
import type { Monitor } from './api.js';
import { makeContainer } from './container.js';
import { VurtiMonitor } from './monitor.js';
import { openDatabase } from './open-database.js';
import type { MonitorOptions } from './options.js';

/**
 * Makes a monitor. Nothing runs before its `start()`; then it polls, judges and writes until its `stop()`.
 * @throws VurtiError CONFIG_UNREADABLE for a PEM file, DATABASE_… for a database that cannot be used
 */
export async function createMonitor(options: MonitorOptions = {}): Promise<Monitor> {
  const settings = mergeSettings(options);
  const tls = await loadAgentTls(options.agents?.tls);
  const opened =
    options.store === undefined && options.database !== undefined ? await openDatabase(options) : undefined;
  const container = makeContainer(opened === undefined ? options : { ...options, store: opened }, { settings, tls });
  return new VurtiMonitor(container, options);
}

function mergeSettings(options: MonitorOptions): MonitorSettings {
  const given: DeepPartial<MonitorSettings> = options.settings ?? {};
  const { tls: _, protocol: __, ...agents } = options.agents ?? {};
  return {
    ...defaultSettings,
    ...given,
    mode: options.mode ?? given.mode ?? defaultSettings.mode,
    poll: { ...defaultSettings.poll, ...given.poll },
    grace: { ...defaultSettings.grace, ...given.grace },
    agents: { ...defaultSettings.agents, ...given.agents, ...agents },
    absence: { ...defaultSettings.absence, ...given.absence },
    flap: { ...defaultSettings.flap, ...given.flap },
    statistics: { ...defaultSettings.statistics, ...given.statistics },
    thresholds: { ...defaultSettings.thresholds, ...given.thresholds },
    maintenance: { ...defaultSettings.maintenance, ...given.maintenance },
    fencing: { ...defaultSettings.fencing, ...given.fencing },
    autoRecovery: { ...defaultSettings.autoRecovery, ...given.autoRecovery },
    haRestart: { ...defaultSettings.haRestart, ...given.haRestart },
    watchdog: { ...defaultSettings.watchdog, ...given.watchdog },
    clusters: (given.clusters ?? {}) as MonitorSettings['clusters'],
    hosts: (given.hosts ?? {}) as MonitorSettings['hosts'],
  };
}
