import { describe, expect, it } from 'vitest';
import { defaultSettings, type MonitorSettings } from '../../src/model/index.js';
import { HostRounds } from '../../src/updater/index.js';
import { host } from '../support/entities.js';
import { world } from '../support/world.js';

type Settings = Pick<MonitorSettings, 'autoRecovery' | 'watchdog'>;

function rounds(hosts: Parameters<typeof world>[0], settings: Partial<Settings> = {}) {
  const w = world(hosts);
  const logged: string[] = [];
  const gauges: number[] = [];
  const made = new HostRounds({
    sets: w.sets,
    vds: w.vdsUpdater,
    settings: { ...defaultSettings, ...settings },
    clock: w.time,
    scheduler: w.time,
    telemetry: {
      log: (_, message, fields) => void logged.push(`${message}: ${String(fields?.['hosts'])}`),
      gauge: (_, value) => void gauges.push(value),
      count: () => undefined,
      observe: () => undefined,
    },
  });
  made.start();
  return { w, made, logged, gauges };
}

describe('automatic recovery', () => {
  const broken = host('h1', 'NonOperational', { nonOperationalReason: 'KVM_NOT_RUNNING' });

  it('comes at each full five minutes, for all hosts that may', async () => {
    const other = host('h2', 'NonOperational', { static: { autoRecoverable: false } });
    const { w, made } = rounds({ hosts: [broken, other, host('h3')] });
    // The clock began at 16:40.
    await w.time.runFor(199_999);
    expect(w.host('h1')?.dynamic.status).toBe('NonOperational');
    await w.time.runFor(1);
    expect(w.host('h1')?.dynamic).toMatchObject({ status: 'Unassigned', previousStatus: 'NonOperational' });
    expect(w.host('h2')?.dynamic.status).toBe('NonOperational');
    expect(w.advice()).toEqual(['activate h1']);
    expect(w.vdsUpdater.statusCause('h1')).toMatchObject({ rule: 'host.auto-recovery', source: { by: 'timer' } });
    w.sets.putHost(broken);
    await w.time.runFor(300_000);
    expect(w.host('h1')?.dynamic.status).toBe('Unassigned');
    made.stop();
    expect(w.time.waiting().size).toBe(0);
  });

  it('can be turned off', async () => {
    const { w } = rounds(
      { hosts: [broken] },
      { autoRecovery: { hosts: false, intervalSeconds: 300 }, watchdog: { intervalSeconds: 0, thresholdSeconds: 1 } },
    );
    expect(w.time.waiting().size).toBe(0);
    await w.time.runFor(600_000);
    expect(w.host('h1')?.dynamic.status).toBe('NonOperational');
  });
});

describe('hosts that nobody hears', () => {
  it('are named in the log, and nothing else happens to them', async () => {
    const { w, made, logged, gauges } = rounds(
      { hosts: [host('h1'), host('h2', 'Maintenance')] },
      { watchdog: { intervalSeconds: 900, thresholdSeconds: 1200 } },
    );
    await w.time.runFor(1_199_000);
    expect(made.staleHosts()).toEqual([]);
    await w.time.runFor(901_000);
    expect(made.staleHosts()).toEqual(['h1']);
    expect(logged).toEqual(['hosts have not answered for a long time: h1']);
    expect(gauges.at(-1)).toBe(1);
    expect(w.recordsOf('event')).toEqual([]);
  });
});
