import type { Store } from '../events/index.js';
import { RealTime, VurtiError } from '../kernel/index.js';
import { completeSettings, type MonitorSettings } from '../model/index.js';
import { loadAgentTls } from './agent-tls.js';
import type { Monitor } from './api.js';
import { makeContainer } from './container.js';
import { liveSettings } from './live-settings.js';
import { VurtiMonitor } from './monitor.js';
import { openDatabase } from './open-database.js';
import type { MonitorOptions } from './options.js';

/**
 * Makes a monitor. Nothing runs before its `start()`; then it polls, judges and writes until its `stop()`.
 * @throws VurtiError ACTION_IN_OBSERVER_MODE, CONFIG_UNREADABLE for a PEM file, DATABASE_… for a database that cannot be used
 */
export async function createMonitor(options: MonitorOptions = {}): Promise<Monitor> {
  const settings = liveSettings(settingsOf(options));
  if (settings.mode === 'observer' && settings.actions.destroyLeftovers) {
    throw new VurtiError('ACTION_IN_OBSERVER_MODE', 'actions.destroyLeftovers: an observer never acts on a VM');
  }
  const tls = await loadAgentTls(options.agents?.tls);
  const opened = options.store === undefined ? await open(options) : undefined;
  const container = makeContainer(opened === undefined ? options : { ...options, store: opened }, { settings, tls });
  return new VurtiMonitor(container, options);
}

async function open({ database, clock, scheduler, telemetry }: MonitorOptions): Promise<Store | undefined> {
  if (database === undefined) return undefined;
  const { url, ...more } = database;
  const time = new RealTime();
  return openDatabase({
    connection: url,
    ...more,
    clock: clock ?? time,
    scheduler: scheduler ?? time,
    ...(telemetry === undefined ? {} : { telemetry }),
  });
}

function settingsOf(options: MonitorOptions): MonitorSettings {
  const given = options.settings ?? {};
  const { tls: _, protocol: __, ...agents } = options.agents ?? {};
  return completeSettings({
    ...given,
    ...(options.mode === undefined ? {} : { mode: options.mode }),
    agents: { ...given.agents, ...agents },
  });
}
