import type { MonitorSettings } from '../model/index.js';

/**
 * The settings of a running monitor are one object that changes in place: a part keeps it, or a group of it, and reads
 * it when it decides. What a part has made of them at its start stays; `settings/reload.ts` says which those are.
 */
export function liveSettings(settings: MonitorSettings): MonitorSettings {
  return structuredClone(settings);
}

/** Own settings of clusters and hosts are replaced as a whole: one that is gone must not stay. */
const wholes: ReadonlySet<string> = new Set(['clusters', 'hosts']);

export function takeSettings(live: MonitorSettings, next: MonitorSettings): void {
  const target = live as unknown as Record<string, unknown>;
  for (const [name, value] of Object.entries(structuredClone(next))) {
    const group = target[name];
    const isGroup = typeof value === 'object' && value !== null && typeof group === 'object' && group !== null;
    if (isGroup && !wholes.has(name)) Object.assign(group, value);
    else target[name] = value;
  }
}
