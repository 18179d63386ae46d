import { settingCatalogue } from './catalogue.js';
import type { LoadedSettings, Origin } from './load.js';
import { pathText, type SettingPath } from './problem.js';

interface ShownSetting {
  readonly path: string;
  /** "(set)" for a secret. */
  readonly value: unknown;
  readonly origin: Origin;
}

/** Every setting in force, with where it came from, and without secrets. */
export function shownSettings(loaded: LoadedSettings): ShownSetting[] {
  const shown: ShownSetting[] = [];
  const walk = (value: unknown, path: SettingPath): void => {
    if (value === undefined) return;
    const info = settingCatalogue.find(path);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [key, member] of Object.entries(value)) walk(member, [...path, key]);
      return;
    }
    shown.push({ path: pathText(path), value: info?.secret === true ? '(set)' : value, origin: loaded.origin(path) });
  };
  walk(loaded.settings, []);
  return shown;
}

/** The same as a tree, as it would stand in vurti.yaml. */
export function shownTree(loaded: LoadedSettings): unknown {
  const walk = (value: unknown, path: SettingPath): unknown => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return settingCatalogue.find(path)?.secret === true ? '(set)' : value;
    }
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    return Object.fromEntries(members.map(([key, member]) => [key, walk(member, [...path, key])]));
  };
  return walk(loaded.settings, []);
}
