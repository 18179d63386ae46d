import { describe, expect, it } from 'vitest';
import { type DeepPartial, defaultSettings, type HostSettings, hostSettings } from '../../src/model/index.js';

type Layer = DeepPartial<HostSettings>;
const host = { id: 'id-1', name: 'alpha' };
const cluster = { id: 'c-1', name: 'prod' };

const of = (layers: { clusters?: Record<string, Layer>; hosts?: Record<string, Layer> }): HostSettings =>
  hostSettings({ ...defaultSettings, ...layers }, host, cluster);
const interval = (intervalSeconds: number): Layer => ({ poll: { intervalSeconds } });

describe('hostSettings', () => {
  it('are the general ones where nobody has own ones', () => {
    const { poll, grace, agents, absence, recoveryTimeoutSeconds } = defaultSettings;
    const general = { poll, grace, agents, absence, recoveryTimeoutSeconds };
    expect(of({})).toEqual(general);
    expect(hostSettings(defaultSettings, host, undefined)).toEqual(general);
    expect(of({ hosts: { beta: interval(1) }, clusters: { test: interval(2) } })).toEqual(general);
  });

  it.each<[string, Parameters<typeof of>[0], number]>([
    ['its cluster’s, by id', { clusters: { 'c-1': interval(20) } }, 20],
    ['its cluster’s, by name', { clusters: { prod: interval(21) } }, 21],
    ['its own, by id', { hosts: { 'id-1': interval(30) } }, 30],
    ['its own, by name', { hosts: { alpha: interval(31) } }, 31],
    ['its own before its cluster’s', { hosts: { alpha: interval(30) }, clusters: { prod: interval(20) } }, 30],
    ['by id before by name', { hosts: { alpha: interval(31), 'id-1': interval(30) } }, 30],
  ])('takes %s', (_, layers, expected) => {
    expect(of(layers).poll.intervalSeconds).toBe(expected);
  });

  it('takes each setting from the nearest layer that has it', () => {
    const settings = of({
      clusters: { prod: { grace: { attempts: 5, seconds: 90 }, absence: { misses: 3 }, recoveryTimeoutSeconds: 60 } },
      hosts: { alpha: { grace: { seconds: 120 }, agents: { maxInFlight: 1 } } },
    });
    expect(settings.grace).toEqual({ ...defaultSettings.grace, attempts: 5, seconds: 120 });
    expect(settings.absence.misses).toBe(3);
    expect(settings.recoveryTimeoutSeconds).toBe(60);
    expect(settings.agents).toEqual({ ...defaultSettings.agents, maxInFlight: 1 });
    expect(settings.poll).toEqual(defaultSettings.poll);
  });

  it('lets a zero count as a setting', () => {
    const settings = of({ hosts: { alpha: { grace: { perVmSeconds: 0 }, recoveryTimeoutSeconds: 0 } } });
    expect([settings.grace.perVmSeconds, settings.recoveryTimeoutSeconds]).toEqual([0, 0]);
  });

  it('leaves the general settings as they are', () => {
    const before = structuredClone(defaultSettings);
    of({ hosts: { alpha: { grace: { attempts: 9 } } } });
    expect(defaultSettings).toEqual(before);
  });

  it('is not misled by hosts that are called like a part of every object', () => {
    const odd = hostSettings(defaultSettings, { id: 'constructor', name: '__proto__' }, { id: 'toString', name: 'x' });
    expect(odd).toEqual(of({}));
  });
});

describe('defaults (monitoring-rules.md §6, decisions D3–D5, D22, D23)', () => {
  it('ask for statistics with a deadline below the interval (principle 8)', () => {
    expect(defaultSettings.poll.deadlineSeconds).toBeLessThan(defaultSettings.poll.intervalSeconds);
    expect(defaultSettings.poll.intervalSeconds / defaultSettings.poll.ticksPerInterval).toBe(3);
  });

  it('are those of the original where nothing was decided otherwise', () => {
    expect(defaultSettings.grace).toEqual({ attempts: 2, seconds: 60, perVmSeconds: 0.5, spmSeconds: 20 });
    expect(defaultSettings.recoveryTimeoutSeconds).toBe(180);
    expect(defaultSettings.absence.misses).toBe(2);
    expect(defaultSettings.mode).toBe('observer');
    const { diskLowMiB, diskCriticalMiB, swapFreeMiB, nicDownGraceSeconds } = defaultSettings.thresholds;
    expect([diskLowMiB, diskCriticalMiB, swapFreeMiB, nicDownGraceSeconds]).toEqual([1000, 500, 1004, 60]);
  });
});
