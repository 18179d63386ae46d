import { VurtiError } from '../kernel/index.js';

/** Daily life: what people and guests do. */
const lifeKinds = ['stop', 'reboot', 'migrate', 'suspend', 'pause', 'guest', 'console', 'merge', 'devices'] as const;
export type LifeKind = (typeof lifeKinds)[number];

/** What goes wrong with a VM. */
const vmFaultKinds = ['crash', 'enospc', 'eio', 'vanish', 'stuck', 'migration', 'watchdog'] as const;
type VmFaultKind = (typeof vmFaultKinds)[number];

/** What goes wrong with a host or its agent. */
const hostFaultKinds = [
  ...(['hang', 'refuse', 'garbage', 'cut', 'stall', 'length', 'loris', 'drop', 'expired', 'slow'] as const),
  ...(['restart', 'nic', 'power'] as const),
] as const;
type HostFaultKind = (typeof hostFaultKinds)[number];

export type FaultKind = VmFaultKind | HostFaultKind;
export const faultKinds: readonly FaultKind[] = [...vmFaultKinds, ...hostFaultKinds];

/** Happenings per hour in the whole fleet, on average; absent = none. */
export type Rates<K extends string> = Readonly<Partial<Record<K, number>>>;

export type LifePreset = 'demo' | 'none';
export type FaultPreset = 'none' | 'demo' | 'storm';
const faultPresets: readonly FaultPreset[] = ['none', 'demo', 'storm'];

/** The presets are written for this fleet and grow with another one. */
const demoHosts = 20;
const demoVms = 400;

const demoLife: Rates<LifeKind> = {
  stop: 40,
  reboot: 15,
  migrate: 40,
  suspend: 4,
  pause: 5,
  guest: 150,
  console: 20,
  merge: 8,
  devices: 6,
};

const demoVmFaults: Rates<VmFaultKind> = {
  crash: 5,
  enospc: 4,
  eio: 1,
  vanish: 1,
  stuck: 3,
  migration: 3,
  watchdog: 1,
};
const demoHostFaults: Rates<HostFaultKind> = {
  hang: 8,
  refuse: 6,
  garbage: 2,
  cut: 0.5,
  stall: 0.5,
  length: 0.5,
  loris: 0.5,
  drop: 0.5,
  expired: 0.2,
  slow: 4,
  restart: 5,
  nic: 6,
  power: 0.3,
};
/** A storm is the demo's bad luck, twenty times as much. */
const storm = 20;

export interface FleetSize {
  readonly hosts: number;
  readonly vms: number;
}

export function lifeRates(preset: LifePreset | Rates<LifeKind>, size: FleetSize): Rates<LifeKind> {
  if (typeof preset === 'object') return preset;
  return preset === 'none' ? {} : scaled(demoLife, size.vms / demoVms);
}

export function faultRates(preset: FaultPreset | Rates<FaultKind>, size: FleetSize): Rates<FaultKind> {
  if (typeof preset === 'object') return preset;
  if (preset === 'none') return {};
  const factor = preset === 'storm' ? storm : 1;
  return {
    ...scaled(demoVmFaults, (factor * size.vms) / demoVms),
    ...scaled(demoHostFaults, (factor * size.hosts) / demoHosts),
  };
}

/** Hosts that chance may have in trouble at one time: a demo stays mostly well, a storm leaves two thirds standing. */
export function troubleLimit(preset: FaultPreset | Rates<FaultKind>, size: FleetSize): number {
  if (typeof preset === 'object') return size.hosts;
  return preset === 'storm' ? Math.max(1, Math.floor(size.hosts / 3)) : Math.min(2, Math.max(1, size.hosts - 1));
}

/**
 * `none`, `demo`, `storm`, or a list of `kind=rate` with rates per hour in the whole fleet: `hang=2,crash=10`.
 * @throws BAD_ARGUMENT naming what is not understood and what would be
 */
export function parseFaults(text: string): FaultPreset | Rates<FaultKind> {
  const preset = faultPresets.find((name) => name === text.trim());
  if (preset !== undefined) return preset;
  const rates: Partial<Record<FaultKind, number>> = {};
  for (const part of text.split(',')) {
    const [name = '', value, ...rest] = part.split('=').map((side) => side.trim());
    const kind = faultKinds.find((known) => known === name);
    if (kind === undefined || value === undefined || rest.length > 0) throw misread(part);
    const rate = Number(value);
    if (value === '' || !Number.isFinite(rate) || rate < 0) throw misread(part);
    rates[kind] = rate;
  }
  return rates;
}

function misread(part: string): VurtiError {
  return new VurtiError('BAD_ARGUMENT', `"${part.trim()}" is no fault: none, demo, storm, or kind=rate per hour`, {
    hint: `Kinds: ${faultKinds.join(', ')}. Example: hang=2,crash=10`,
  });
}

function scaled<K extends string>(rates: Rates<K>, factor: number): Rates<K> {
  const result: Partial<Record<K, number>> = {};
  for (const kind of Object.keys(rates) as K[]) {
    const rate = rates[kind];
    if (rate !== undefined) result[kind] = rate * factor;
  }
  return result;
}
