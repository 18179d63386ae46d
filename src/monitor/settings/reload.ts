import { settingCatalogue } from './catalogue.js';
import { pathText, type SettingPath } from './problem.js';
import type { Settings } from './schema.js';
import { shownValue } from './show.js';

/**
 * Settings that a running service takes over: those that are read when something is decided, and whatever lies below
 * them. All others have been made into something at the start; they need a restart.
 */
export const liveNames: readonly string[] = [
  'inventory.files',
  'inventory.hosts',
  'inventory.clusters',
  'inventory.vms',
  'agents.tls',
  'agents.maxInFlight',
  'agents.maxAnswerMiB',
  'poll.intervalSeconds',
  'poll.maxIntervalSeconds',
  'poll.deadlineSeconds',
  'poll.capabilitiesDeadlineSeconds',
  'poll.capabilitiesIntervalSeconds',
  'poll.hardwareInfoDeadlineSeconds',
  'poll.ticksPerInterval',
  'grace',
  'absence',
  'recoveryTimeoutSeconds',
  'flap',
  'statistics.historyLimit',
  'thresholds',
  'balloon',
  'maintenance',
  'fencing',
  'autoRecovery.intervalSeconds',
  'haRestart',
  'events',
  'watchdog.thresholdSeconds',
  'metrics',
  'log.level',
  'clusters',
  'hosts',
];

/** A setting that differs, without secrets; lists of groups are given by their number of entries. */
export interface SettingChange {
  readonly path: string;
  readonly from: unknown;
  readonly to: unknown;
  readonly takesEffect: 'now' | 'restart';
}

function isLive(name: string): boolean {
  return liveNames.some((one) => name === one || name.startsWith(`${one}.`));
}

/** What differs, in the order of the settings. */
export function settingChanges(running: Settings, next: Settings): SettingChange[] {
  const changes: SettingChange[] = [];
  for (const { path, from, to } of differences(running, next, [])) {
    const name = pathText(path);
    // Given at all, the list says that there are no other VMs of ours.
    const asRunning = name === 'inventory.vms' && (from === undefined || to === undefined);
    changes.push({
      path: name,
      from: shown(path, from),
      to: shown(path, to),
      takesEffect: isLive(name) && !asRunning ? 'now' : 'restart',
    });
  }
  return changes;
}

/** The next settings as far as they take effect now, and the running ones for the rest. */
export function settingsInForce(running: Settings, next: Settings): Settings {
  const result = structuredClone(next);
  const late = new Set(
    settingChanges(running, next)
      .filter(({ takesEffect }) => takesEffect === 'restart')
      .map(({ path }) => path),
  );
  for (const { path, from } of differences(running, next, [])) {
    if (late.has(pathText(path))) put(result, path, structuredClone(from));
  }
  return result;
}

interface Difference {
  readonly path: SettingPath;
  readonly from: unknown;
  readonly to: unknown;
}

const isGroup = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function* differences(from: unknown, to: unknown, path: SettingPath): Generator<Difference> {
  if (isGroup(from) && isGroup(to)) {
    for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
      yield* differences(from[key], to[key], [...path, key]);
    }
  } else if (JSON.stringify(from) !== JSON.stringify(to)) {
    yield { path, from, to };
  }
}

function put(tree: unknown, path: SettingPath, value: unknown): void {
  let at = tree as Record<string, unknown>;
  for (const part of path.slice(0, -1)) {
    at[part] ??= {};
    at = at[part] as Record<string, unknown>;
  }
  const last = String(path.at(-1));
  if (value === undefined) delete at[last];
  else at[last] = value;
}

function shown(path: SettingPath, value: unknown): unknown {
  if (value === undefined) return null;
  if (Array.isArray(value) && settingCatalogue.find(path)?.typeText === 'list of groups') {
    return `${value.length} ${value.length === 1 ? 'entry' : 'entries'}`;
  }
  return shownValue(path, value);
}
