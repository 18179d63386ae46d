import { describe, expect, it } from 'vitest';
import {
  coreSettings,
  loadSettings,
  type SettingsSources,
  settingChanges,
  settingsInForce,
} from '../../src/monitor/index.js';
import { settingCatalogue } from '../../src/monitor/settings/catalogue.js';
import { liveNames } from '../../src/monitor/settings/reload.js';
import { createTestMonitor, FakeFetcher, seconds } from '../../src/testing/index.js';

const settings = (values: NonNullable<SettingsSources['values']> = {}) => loadSettings({ values, env: {} }).settings;

describe('the difference of two settings', () => {
  it('is nothing where nothing differs', () => {
    expect(settingChanges(settings(), settings({ poll: { intervalSeconds: 15 } }))).toEqual([]);
  });

  it('names each one, and whether it needs a restart', () => {
    const before = settings({ agents: { tls: { caFile: '/ca.pem' } }, clusters: { lab: { grace: { seconds: 9 } } } });
    const after = settings({
      poll: { intervalSeconds: 30, concurrency: 8 },
      clusters: { lab: { poll: { intervalSeconds: 60 } } },
      inventory: { hosts: [{ name: 'a', address: 'b' }] },
      server: { listen: '127.0.0.1:9' },
      log: { level: 'debug', format: 'json' },
    });
    expect(
      settingChanges(before, after).map(({ path, from, to, takesEffect }) => [path, from, to, takesEffect]),
    ).toEqual([
      ['server.listen', '127.0.0.1:8680', '127.0.0.1:9', 'restart'],
      ['inventory.hosts', '0 entries', '1 entry', 'now'],
      ['agents.tls', { caFile: '/ca.pem' }, null, 'now'],
      ['poll.intervalSeconds', 15, 30, 'now'],
      ['poll.concurrency', 64, 8, 'restart'],
      ['clusters.lab.grace', { seconds: 9 }, null, 'now'],
      ['clusters.lab.poll', null, { intervalSeconds: 60 }, 'now'],
      ['log.level', 'info', 'debug', 'now'],
      ['log.format', 'auto', 'json', 'restart'],
    ]);
  });

  it('shows no secret', () => {
    const after = loadSettings({ values: {}, env: { DATABASE_URL: 'postgres://u:hidden@h/d' } }).settings;
    const changes = settingChanges(settings(), after);
    expect(changes).toEqual([{ path: 'database.url', from: null, to: '(set)', takesEffect: 'restart' }]);
  });

  it('of a list of VMs that is new, or gone, needs a restart: it says whose all other VMs are', () => {
    const [without, empty] = [settings(), settings({ inventory: { vms: [] } })];
    const one = settings({ inventory: { vms: [{ id: 'v', name: 'v' }] } });
    expect(settingChanges(without, one)).toMatchObject([{ takesEffect: 'restart' }]);
    expect(settingChanges(empty, one)).toMatchObject([{ takesEffect: 'now' }]);
  });
});

describe('settings in force after a reload', () => {
  it('are the new ones, but for those that need a restart', () => {
    const before = settings({ server: { listen: '127.0.0.1:7' }, poll: { concurrency: 9 } });
    const after = settings({ poll: { intervalSeconds: 30 }, database: { schema: 'other' }, mode: 'manager' });
    const inForce = settingsInForce(before, after);
    expect(inForce).toEqual({ ...before, poll: { ...before.poll, intervalSeconds: 30 } });
    expect(settingChanges(before, inForce)).toHaveLength(1);
    // Still to come, each time that somebody asks.
    expect(settingChanges(inForce, after).map(({ path }) => path)).toEqual(
      settingChanges(before, after)
        .map(({ path }) => path)
        .filter((path) => path !== 'poll.intervalSeconds'),
    );
  });

  it('give back what was not set before', () => {
    const before = settings();
    const after = loadSettings({ values: {}, env: { DATABASE_URL: 'postgres://h/d' } }).settings;
    expect(settingsInForce(before, after)).toEqual(before);
  });

  it('that take effect now are named as the settings are', () => {
    for (const name of liveNames) expect([name, settingCatalogue.all.has(name)]).toEqual([name, true]);
  });
});

describe('a running monitor', () => {
  it('polls at another interval, judges by another grace, and back', async () => {
    const agents = new FakeFetcher().host('kvm-01', { vms: {} }).host('kvm-02', { vms: {}, cluster: 'lab' });
    const push = { enabled: false };
    await using t = await createTestMonitor({ fetcher: agents, settings: { push } });
    const polls = async (name: string): Promise<number> => {
      const before = agents.on(name).calls('Host.getStats').length;
      await t.clock.runFor(seconds(120));
      return agents.on(name).calls('Host.getStats').length - before;
    };
    await t.clock.runFor(seconds(60));
    expect(await polls('kvm-01')).toBe(8);
    t.monitor.reconfigure(
      coreSettings(
        settings({ push, poll: { intervalSeconds: 30 }, clusters: { lab: { poll: { intervalSeconds: 60 } } } }),
      ),
    );
    await t.clock.runFor(seconds(60));
    expect([await polls('kvm-01'), await polls('kvm-02')]).toEqual([4, 2]);
    t.monitor.reconfigure(coreSettings(settings({ push })));
    await t.clock.runFor(seconds(60));
    expect([await polls('kvm-01'), await polls('kvm-02')]).toEqual([8, 8]);

    t.monitor.reconfigure(coreSettings(settings({ push, grace: { seconds: 600 } })));
    agents.on('kvm-01').refuse();
    await t.clock.runFor(seconds(500));
    expect(t.host('kvm-01').status).toBe('Connecting');
    t.monitor.reconfigure(coreSettings(settings({ push, grace: { seconds: 60 } })));
    await t.clock.runFor(seconds(60));
    expect(t.host('kvm-01').status).toBe('NonResponsive');
  });
});
