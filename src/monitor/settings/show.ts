import { withoutSecrets } from '../../kernel/index.js';
import { settingCatalogue } from './catalogue.js';
import type { LoadedSettings, Origin } from './load.js';
import { pathText, type SettingPath } from './problem.js';

interface ShownSetting {
  readonly path: string;
  /** "(set)" for a secret. */
  readonly value: unknown;
  readonly origin: Origin;
}

/** A value for others to read: each secret in it, at any depth, is "(set)". */
export function shownValue(path: SettingPath, value: unknown): unknown {
  if (value !== undefined && settingCatalogue.find(path)?.secret === true) return '(set)';
  if (Array.isArray(value)) return value.map((item, i) => shownValue([...path, i], item));
  // An address may bring a password along, wherever it stands.
  if (typeof value === 'string') return withoutSecrets(value);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([key, member]) => [key, shownValue([...path, key], member)]));
}

/** Every setting in force, with where it came from, and without secrets. */
export function shownSettings(loaded: LoadedSettings): ShownSetting[] {
  const shown: ShownSetting[] = [];
  const walk = (value: unknown, path: SettingPath): void => {
    if (value === undefined) return;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [key, member] of Object.entries(value)) walk(member, [...path, key]);
      return;
    }
    shown.push({ path: pathText(path), value: shownValue(path, value), origin: loaded.origin(path) });
  };
  walk(loaded.settings, []);
  return shown;
}

/** The same as a tree, as it would stand in vurti.yaml. */
export function shownTree(loaded: LoadedSettings): unknown {
  return shownValue([], loaded.settings);
}
