import { type Telemetry, VurtiError } from '../../kernel/index.js';
import {
  agentAccess,
  coreSettings,
  type InventorySources,
  type LoadedSettings,
  type Monitor,
  type ReloadReport,
  settingChanges,
  settingsInForce,
} from '../../monitor/index.js';
import { hostCounts } from './host-files.js';
import { takeInventory } from './inventory.js';

/** What a reload changes, beside the monitor. */
export interface Reloadable {
  readonly running: LoadedSettings;
  /** Reads all settings anew. @throws SettingsError */
  load(): LoadedSettings;
  readonly monitor: Monitor | undefined;
  /** undefined: a demo, whose hosts are its own. */
  readonly sources: InventorySources | undefined;
  readonly telemetry: Telemetry;
  /** The settings are good, and in force from now on. */
  taken(loaded: LoadedSettings): void;
}

/**
 * Reads the settings again and takes over what can change while the service runs. All of it is read and checked first:
 * a file that is wrong, or names one that cannot be read, changes nothing. There is no wait in between.
 * @throws SettingsError, NOT_READY
 */
export function reload(parts: Reloadable, options: { readonly acceptRemovals?: boolean } = {}): ReloadReport {
  const { running, monitor, sources, telemetry } = parts;
  if (monitor === undefined || monitor.progress().readiness === 'loading') {
    throw new VurtiError('NOT_READY', 'The service is starting; it has read its settings just now');
  }
  const next = parts.load();
  const changes = settingChanges(running.settings, next.settings);
  const inForce = merged(running, next);
  const access = agentAccess(inForce);

  monitor.reconfigure(coreSettings(inForce.settings), access.tls);
  parts.taken(inForce);
  const { clusters, files, vms = [] } = inForce.settings.inventory;
  const hosts =
    sources === undefined
      ? null
      : takeInventory(monitor, { clusters, files, hosts: access.hosts, vms }, sources, options);
  tell(telemetry, { file: inForce.file ?? null, changes, hosts });
  return { file: inForce.file ?? null, changes, hosts };
}

function merged(running: LoadedSettings, next: LoadedSettings): LoadedSettings {
  const late = new Set(
    settingChanges(running.settings, next.settings)
      .filter(({ takesEffect }) => takesEffect === 'restart')
      .map(({ path }) => path),
  );
  return {
    ...next,
    settings: settingsInForce(running.settings, next.settings),
    origin: (path) => (late.has(path.join('.')) ? running : next).origin(path),
  };
}

function tell(telemetry: Telemetry, { file, changes, hosts }: ReloadReport): void {
  const list = (effect: 'now' | 'restart'): string =>
    changes
      .filter(({ takesEffect }) => takesEffect === effect)
      .map(({ path, from, to }) => `${path}: ${JSON.stringify(from)} → ${JSON.stringify(to)}`)
      .join(', ');
  telemetry.log('info', 'The settings were read again', {
    file,
    changed: list('now') || 'nothing',
    ...(hosts === null ? {} : hostCounts(hosts)),
  });
  const late = list('restart');
  if (late !== '') telemetry.log('warn', 'Some settings take effect at the next start only', { settings: late });
}
