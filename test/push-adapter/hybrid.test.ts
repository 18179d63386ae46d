import { describe, expect, it } from 'vitest';
import { minutes, seconds } from '../../src/kernel/index.js';
import {
  createTestMonitor,
  FakeFetcher,
  type FakeHost,
  type TestMonitor,
  type TestMonitorOptions,
} from '../../src/testing/index.js';

type Options = Omit<TestMonitorOptions, 'fetcher'>;

/** One host that pushes, Up and polled a few times. */
async function pushing(options: Options & { host?: FakeHost } = {}) {
  const { host = { vms: { 'web-03': {} } }, ...rest } = options;
  const agents = new FakeFetcher({ pushes: true, advance: true }).host('kvm-07', host);
  const t = await createTestMonitor({ fetcher: agents, ...rest });
  await t.clock.runFor(seconds(40));
  expect(t.host('kvm-07').status).toBe('Up');
  return { t, agent: agents.on('kvm-07') };
}

const polls = (agent: { count(method: 'Host.getAllVmStats'): number }) => agent.count('Host.getAllVmStats');
const pushes = (t: TestMonitor) => t.monitor.status().pushes;
const gapsOf = (t: TestMonitor) => t.events('kvm-07').filter(({ name }) => name === 'VDS_PUSHES_MISSED');

describe('pushes', () => {
  it('tell at once, between two polls, and the verdict says where it comes from', async () => {
    const { t, agent } = await pushing();
    await using _ = t;
    const before = polls(agent);
    agent.announce('web-03', { status: 'Paused', pauseStatus: 'ENOSPC' });
    await t.clock.runFor(0);
    expect(t.vm('web-03')).toMatchObject({ status: 'Paused', freshness: 'live' });
    expect(t.eventNames('web-03')).toEqual(['VM_PAUSED', 'VM_PAUSED_ENOSPC']);
    expect(t.events('web-03')[0]?.cause.source).toMatchObject({ by: 'push', host: 'kvm-07' });
    expect(polls(agent)).toBe(before);
    expect(t.explain('vm', 'web-03').evidence.at(-1)?.text).toMatch(/^push \d+ of kvm-07: Paused/);
  });

  it('say nothing of the fields that they leave out, and clear a pause code that is over', async () => {
    const { t, agent } = await pushing();
    await using _ = t;
    const before = t.vm('web-03');
    agent.announce('web-03', { status: 'Paused', pauseStatus: 'EIO' }).pushStatus('web-03', { status: 'Up' });
    agent.with('web-03', { status: 'Up', pauseStatus: 'NONE' });
    await t.clock.runFor(0);
    const { fqdn, ip, os } = before;
    expect(t.vm('web-03')).toMatchObject({ status: 'Up', pause: null, fqdn, ip, os });
    expect(t.eventNames('web-03').at(-1)).toBe('VM_RECOVERED_FROM_PAUSE_ERROR');
  });

  it('said twice are said once', async () => {
    const { t, agent } = await pushing();
    await using _ = t;
    const down = { status: 'Down', exitCode: 0, exitReason: 7, exitMessage: 'bye' };
    agent.announce('web-03', { status: 'Down' }).pushStatus('web-03', down).pushStatus('web-03', down);
    await t.clock.runFor(0);
    expect(t.eventNames('web-03')).toEqual(['VM_DOWN']);
  });

  it('older than the last word of the same host lose', async () => {
    const { t, agent } = await pushing();
    await using _ = t;
    agent.pushStatus('web-03', { status: 'Paused', pauseCode: 'EIO' }, 5);
    await t.clock.runFor(0);
    expect(t.vm('web-03').status).toBe('Up');
    expect(t.eventNames('web-03')).toEqual([]);
  });

  it('beat an answer that was made before them and comes after them', async () => {
    const { t, agent } = await pushing();
    await using _ = t;
    // The answer is made when it was asked for; its way takes 5 s.
    agent.slow(seconds(5));
    t.monitor.poke('kvm-07');
    await t.clock.runFor(seconds(1));
    agent.push({
      method: '|virt|VM_status|web-03',
      params: { 'web-03': { status: 'Paused', pauseCode: 'EIO' }, notify_time: 9_000_000_000_000 },
    });
    await t.clock.runFor(seconds(5));
    expect(t.vm('web-03').status).toBe('Paused');
    expect(t.explain('vm', 'web-03').evidence.map(({ rule }) => rule)).toContain('vm.admission.older');
  });

  it('are no list: a VM that started while an empty list was on its way is not gone', async () => {
    const { t, agent } = await pushing({
      host: { vms: { 'web-03': { status: 'Down' } } },
      settings: { absence: { misses: 1 } },
    });
    await using _ = t;
    agent.without('web-03').slow(seconds(5), 'Host.getAllVmStats');
    t.monitor.poke('kvm-07');
    await t.clock.runFor(seconds(1));
    agent.pushStatus('web-03', { status: 'Powering up' });
    await t.clock.runFor(seconds(5));
    expect(t.vm('web-03')).toMatchObject({ status: 'PoweringUp', host: 'kvm-07' });
    expect(t.eventNames('web-03')).toEqual([]);
  });

  it('are a sign of life: an agent that pushes and does not answer is not lost', async () => {
    const { t, agent } = await pushing();
    await using _ = t;
    agent.hang();
    for (let i = 0; i < 60; i++) {
      await t.clock.runFor(seconds(5));
      agent.push({ method: '|jobs|status|job', params: { id: 'job', status: 'running' } });
    }
    expect(t.host('kvm-07').status).not.toBe('NonResponsive');
  });

  it('about the host’s network have its capabilities read again', async () => {
    const { t, agent } = await pushing();
    await using _ = t;
    const before = agent.count('Host.getCapabilities');
    agent.push({ method: '|net|host_conn|no_id' });
    await t.clock.runFor(0);
    expect(agent.count('Host.getCapabilities')).toBe(before + 1);
  });

  it('about a VM that nobody knows ask for the list that says its name', async () => {
    const { t, agent } = await pushing({ mode: 'observer' });
    await using _ = t;
    const before = polls(agent);
    agent.announce('0d3b', { name: 'new-one', status: 'PoweringUp' });
    await t.clock.runFor(0);
    expect(polls(agent)).toBe(before + 1);
    expect(t.vm('new-one')).toMatchObject({ id: '0d3b', status: 'PoweringUp' });
  });

  it('change nothing and ask nothing when they say what is known', async () => {
    const { t, agent } = await pushing();
    await using _ = t;
    const records = t.records().length;
    for (let i = 0; i < 50; i++) agent.announce('web-03');
    await t.clock.runFor(seconds(1));
    expect(t.records()).toHaveLength(records);
  });
});

describe('a connection', () => {
  it('is asked for a poll when it is made, and what was pushed meanwhile comes after the answer', async () => {
    const { t, agent } = await pushing();
    await using _ = t;
    agent.disconnect();
    await t.clock.runFor(seconds(1));
    agent.with('web-03', { status: 'RebootInProgress' }).slow(seconds(3), 'Host.getAllVmStats');
    const before = polls(agent);
    agent.reconnect().announce('web-03', { status: 'Up' });
    agent.with('web-03', { status: 'Up' });
    await t.clock.runFor(seconds(1));
    expect([polls(agent), t.vm('web-03').status, t.eventNames('web-03')]).toEqual([before + 1, 'Up', []]);
    await t.clock.runFor(seconds(3));
    expect(pushes(t)).toMatchObject({ hosts: 1, healthy: 1 });
  });

  it('an end that was pushed before the list without the VM tells how it ended', async () => {
    const { t, agent } = await pushing({ mode: 'observer', settings: { absence: { misses: 1 } } });
    await using _ = t;
    agent.slow(seconds(3), 'Host.getAllVmStats').disconnect();
    await t.clock.runFor(seconds(1));
    agent.reconnect();
    agent.announce('web-03', { status: 'Down', exitStatus: 'Error', exitMessage: 'Lost connection' });
    agent.without('web-03');
    await t.clock.runFor(seconds(4));
    expect(t.vm('web-03').status).toBe('Down');
    expect(t.eventNames('web-03')).toEqual(['VM_DOWN_ERROR']);
  });

  it('without a poll that answers does not keep pushes back for ever', async () => {
    const { t, agent } = await pushing();
    await using _ = t;
    agent.disconnect().code(7, 'Host.getAllVmStats').reconnect();
    agent.announce('web-03', { status: 'Paused', pauseStatus: 'EIO' });
    await t.clock.runFor(seconds(1));
    expect(t.vm('web-03').status).toBe('Paused');
    expect(pushes(t)).toMatchObject({ hosts: 1, healthy: 0 });
    agent.recover();
    await t.clock.runFor(seconds(16));
    expect(pushes(t)).toMatchObject({ hosts: 1, healthy: 1 });
  });

  it('that is flooded lets pushes go, and a poll makes up for them', async () => {
    const { t, agent } = await pushing();
    await using _ = t;
    agent.disconnect().slow(seconds(2), 'Host.getAllVmStats').reconnect();
    for (let i = 0; i < 1500; i++) agent.pushStatus('web-03', { status: i % 2 === 0 ? 'Paused' : 'Up' });
    agent.with('web-03', { status: 'RebootInProgress' });
    await t.clock.runFor(seconds(6));
    expect(t.vm('web-03').status).toBe('RebootInProgress');
    expect(gapsOf(t).map(({ params }) => params['Why'])).toEqual(['more came than could be kept']);
  });

  it('of a host in Maintenance is given up, and made again when it is activated', async () => {
    const { t, agent } = await pushing({ mode: 'observer' });
    await using _ = t;
    t.monitor.hosts.maintenance('kvm-07');
    await t.clock.runFor(seconds(5));
    expect(pushes(t).hosts).toBe(0);
    agent.announce('web-03', { status: 'Paused', pauseStatus: 'EIO' });
    await t.clock.runFor(seconds(5));
    expect(t.vm('web-03').status).toBe('Up');
    t.monitor.hosts.activate('kvm-07');
    await t.clock.runFor(seconds(40));
    expect(t.vm('web-03').status).toBe('Paused');
    expect(pushes(t)).toMatchObject({ hosts: 1, healthy: 1 });
  });

  it('lost and made again is no failed attempt', async () => {
    const { t, agent } = await pushing();
    await using _ = t;
    agent.disconnect();
    await t.clock.runFor(minutes(5));
    expect([t.host('kvm-07').status, t.eventNames('kvm-07').includes('VDS_HOST_NOT_RESPONDING')]).toEqual([
      'Up',
      false,
    ]);
    expect(pushes(t)).toMatchObject({ hosts: 1, healthy: 0 });
  });
});

describe('gaps', () => {
  it('what a poll shows and no push has said is counted and told, and the host is polled at full pace again', async () => {
    const { t, agent } = await pushing();
    await using _ = t;
    await t.clock.runFor(minutes(10));
    const rare = polls(agent);
    await t.clock.runFor(minutes(10));
    expect(polls(agent) - rare).toBe(10);
    const whole = { state: 'whole', trusted: true, multiple: 4, pace: 4, gaps: 0, lastGapAt: null };
    expect(t.monitor.agent('kvm-07')).toEqual({ pushes: whole, certificateExpiresAt: null });

    agent.with('web-03', { status: 'RebootInProgress' });
    await t.clock.runFor(seconds(64));
    expect(gapsOf(t).map(({ message }) => message)).toEqual([
      'pushed events are missing (the connection stood): web-03 RebootInProgress; it is polled at full pace',
    ]);
    expect(pushes(t)).toMatchObject({ hosts: 1, healthy: 0, gapsLastHour: 1 });
    const doubted = t.monitor.agent('kvm-07').pushes;
    expect(doubted).toMatchObject({ state: 'whole', trusted: false, multiple: 1, pace: 1, gaps: 1 });
    expect(doubted?.lastGapAt).toBe(gapsOf(t)[0]?.time);
    expect(t.explain('host', 'kvm-07').pushes).toEqual({ ...doubted, pollSeconds: 15 });
    expect(t.explain('vm', 'web-03').pushes).toBeNull();
    agent.announce('web-03', { status: 'Up' });
    const often = polls(agent);
    await t.clock.runFor(minutes(2));
    expect(polls(agent) - often).toBe(8);
    // Eight clean polls for the first step now, and after ten minutes its pushes count as whole again.
    await t.clock.runFor(minutes(12));
    expect(pushes(t)).toMatchObject({ healthy: 1, gapsLastHour: 1 });
  });

  it('one event per host and window, the rest is counted', async () => {
    const { t, agent } = await pushing();
    await using _ = t;
    for (let i = 0; i < 3; i++) {
      agent.with('web-03', { status: 'RebootInProgress' });
      await t.clock.runFor(seconds(20));
      agent.announce('web-03', { status: 'Up' });
      await t.clock.runFor(seconds(20));
    }
    expect(gapsOf(t)).toHaveLength(1);
    expect(pushes(t).gapsLastHour).toBe(3);
  });

  it('a push that is a little later than the poll is none', async () => {
    const { t, agent } = await pushing();
    await using _ = t;
    agent.with('web-03', { status: 'RebootInProgress' });
    t.monitor.poke('kvm-07');
    await t.clock.runFor(100);
    agent.announce('web-03');
    await t.clock.runFor(minutes(1));
    expect(gapsOf(t)).toEqual([]);
  });

  it('what VDSM never pushes is none', async () => {
    const { t, agent } = await pushing();
    await using _ = t;
    agent.with('web-03', { status: 'Paused' });
    await t.clock.runFor(seconds(70));
    agent.with('web-03', { status: 'Up' });
    await t.clock.runFor(seconds(70));
    agent.with('late', { status: 'Up' });
    await t.clock.runFor(seconds(70));
    agent.without('late');
    await t.clock.runFor(minutes(3));
    expect(gapsOf(t)).toEqual([]);
    expect(pushes(t)).toMatchObject({ healthy: 1, gapsLastHour: 0 });
  });

  it('a Down VM that stays listed after its push is none', async () => {
    const { t, agent } = await pushing();
    await using _ = t;
    agent.announce('web-03', { status: 'Down', exitStatus: 'Normal', exitReason: 'MigrationSucceeded' });
    await t.clock.runFor(minutes(3));
    expect(pushes(t).gapsLastHour).toBe(0);
  });

  it('what was missed while the connection was down is counted, and believed no less after', async () => {
    const { t, agent } = await pushing();
    await using _ = t;
    agent.disconnect().with('web-03', { status: 'RebootInProgress' });
    await t.clock.runFor(seconds(1));
    agent.reconnect();
    await t.clock.runFor(seconds(5));
    expect(gapsOf(t).map(({ params }) => params['Why'])).toEqual(['the connection was down']);
    expect(pushes(t)).toMatchObject({ healthy: 1, gapsLastHour: 1 });
  });
});

describe('pace', () => {
  it('rises with whole pushes up to poll.maxIntervalSeconds, and VMs stay live', async () => {
    const { t, agent } = await pushing();
    await using _ = t;
    await t.clock.runFor(minutes(4));
    const before = polls(agent);
    await t.clock.runFor(seconds(50));
    expect(t.vm('web-03').freshness).toBe('live');
    await t.clock.runFor(minutes(10) - seconds(50));
    expect(polls(agent) - before).toBe(10);
    const next = t.host('kvm-07').nextPollAt;
    expect(next).not.toBeNull();
    expect(Math.round(((next ?? 0) - t.clock.now()) / 1000)).toBeLessThanOrEqual(60);
  });

  it('stays where no longer interval is allowed', async () => {
    const { t, agent } = await pushing({
      settings: {
        poll: {
          intervalSeconds: 15,
          maxIntervalSeconds: 15,
          deadlineSeconds: 10,
          capabilitiesDeadlineSeconds: 60,
          hardwareInfoDeadlineSeconds: 30,
          concurrency: 64,
          ticksPerInterval: 5,
        },
      },
    });
    await using _ = t;
    await t.clock.runFor(minutes(5));
    const before = polls(agent);
    await t.clock.runFor(minutes(5));
    expect(polls(agent) - before).toBe(20);
  });

  it.each<[string, (a: Awaited<ReturnType<typeof pushing>>['agent']) => unknown]>([
    ['a VM migrates', (agent) => agent.announce('web-03', { status: 'MigratingFrom' })],
    ['a VM is missing', (agent) => agent.without('web-03')],
    ['the connection is lost', (agent) => agent.disconnect()],
    ['its QEMU is silent', (agent) => agent.with('web-03', { status: 'NotResponding' })],
  ])('is full while %s', async (_, script) => {
    const { t, agent } = await pushing({ settings: { absence: { misses: 1000 } } });
    await using __ = t;
    await t.clock.runFor(minutes(10));
    script(agent);
    await t.clock.runFor(minutes(1));
    const before = polls(agent);
    await t.clock.runFor(minutes(2));
    expect(polls(agent) - before).toBe(8);
  });

  it('a report that does not come when it was due ends it, counted from the due time', async () => {
    const { t, agent } = await pushing();
    await using _ = t;
    await t.clock.runFor(minutes(10));
    agent.code(7, 'Host.getAllVmStats');
    await t.clock.runFor(seconds(60 + 75));
    const before = polls(agent);
    await t.clock.runFor(minutes(1));
    expect(polls(agent) - before).toBeGreaterThanOrEqual(4);
  });

  it('switched off: nobody listens', async () => {
    const agents = new FakeFetcher({ pushes: true, advance: true }).host('kvm-07', { vms: { 'web-03': {} } });
    await using t = await createTestMonitor({ fetcher: agents, settings: { push: { enabled: false } } });
    await t.clock.runFor(minutes(5));
    agents.on('kvm-07').pushStatus('web-03', { status: 'Paused' });
    await t.clock.runFor(0);
    expect(t.vm('web-03').status).toBe('Up');
    expect(pushes(t)).toEqual({ enabled: false, hosts: 0, healthy: 0, gapsLastHour: 0 });
    expect(t.monitor.agent('kvm-07').pushes).toBeNull();
    expect(polls(agents.on('kvm-07'))).toBe(21);
  });
});

describe('beside an engine', () => {
  it('an absence with whole pushes is an ordinary end', async () => {
    const { t, agent } = await pushing({ mode: 'observer' });
    await using _ = t;
    agent.without('web-03');
    await t.clock.runFor(minutes(3));
    expect(t.events('web-03').map(({ name, severity }) => [name, severity])).toEqual([['VM_DOWN', 'NORMAL']]);
  });

  it('with a break of the connection in between it is a warning', async () => {
    const { t, agent } = await pushing({ mode: 'observer' });
    await using _ = t;
    agent.disconnect().without('web-03');
    await t.clock.runFor(seconds(1));
    agent.reconnect();
    await t.clock.runFor(minutes(3));
    expect(t.eventNames('web-03')).toEqual(['VM_DOWN_UNOBSERVED']);
  });

  it('within ten minutes of a gap it is a warning', async () => {
    const { t, agent } = await pushing({ mode: 'observer', host: { vms: { 'web-03': {}, 'web-04': {} } } });
    await using _ = t;
    agent.with('web-04', { status: 'RebootInProgress' });
    await t.clock.runFor(seconds(30));
    agent.announce('web-04', { status: 'Up' }).without('web-03');
    await t.clock.runFor(minutes(3));
    expect(t.eventNames('web-03')).toEqual(['VM_DOWN_UNOBSERVED']);
  });

  it('a pushed end with its data decides', async () => {
    const { t, agent } = await pushing({ mode: 'observer' });
    await using _ = t;
    agent.announce('web-03', { status: 'Down', exitStatus: 'Error', exitMessage: 'Lost connection with qemu process' });
    agent.without('web-03');
    await t.clock.runFor(minutes(2));
    expect(t.eventNames('web-03')).toEqual(['VM_DOWN_ERROR']);
  });
});

describe('certificates', () => {
  const days = (n: number): number => n * 86_400_000;

  it('whose end is near are told once, and need somebody', async () => {
    const { t, agent } = await pushing({ mode: 'observer', startAt: '2026-01-01T00:00:00Z' });
    await using _ = t;
    const agentCertificateExpiresAt = t.clock.now() + days(9) + minutes(5);
    agent.certificates({ agentCertificateExpiresAt }).disconnect().reconnect();
    await t.clock.runFor(minutes(1));
    agent.disconnect().reconnect();
    await t.clock.runFor(minutes(1));
    const told = t.events('kvm-07').filter(({ name }) => name === 'VDS_CERTIFICATE_EXPIRING');
    expect(told.map(({ message }) => message)).toEqual(['agent certificate expires in 9 days, on 2026-01-10']);
    expect(t.monitor.status().attention).toEqual([
      { severity: 'WARNING', kind: 'host', id: 'kvm-07', name: 'kvm-07', text: 'agent certificate expires in 9 days' },
    ]);
  });

  it('are watched while the connection stands, to their end', async () => {
    const { t, agent } = await pushing({ mode: 'observer' });
    await using _ = t;
    agent
      .certificates({ agentCertificateExpiresAt: t.clock.now() + days(30) + minutes(3) })
      .disconnect()
      .reconnect();
    await t.clock.runFor(minutes(1));
    const told = () => t.eventNames('kvm-07').filter((name) => name.startsWith('VDS_CERTIFICATE'));
    expect(told()).toEqual([]);
    await t.clock.runFor(minutes(4));
    expect(told()).toEqual(['VDS_CERTIFICATE_EXPIRING']);
  });

  it('of our own are told once for all hosts', async () => {
    const { t, agent } = await pushing({ mode: 'observer' });
    await using _ = t;
    agent
      .certificates({ clientCertificateExpiresAt: t.clock.now() + days(3) })
      .disconnect()
      .reconnect();
    agent.disconnect().reconnect();
    await t.clock.runFor(minutes(1));
    expect(t.eventNames().filter((name) => name === 'CLIENT_CERTIFICATE_EXPIRING')).toHaveLength(1);
    expect(t.monitor.status().attention.map(({ kind, text }) => [kind, text])).toEqual([
      ['service', 'our own certificate for agents expires in 2 days'],
    ]);
  });
});

describe('a migration', () => {
  it('shows how far it is as soon as that is pushed, and no more when it is over', async () => {
    const { t, agent } = await pushing();
    await using _ = t;
    expect(t.vm('web-03').migrationProgressPercent).toBeNull();
    agent.announce('web-03', { status: 'MigratingFrom' });
    await t.clock.runFor(seconds(1));
    agent.pushMigration('web-03', { progress: 37 });
    await t.clock.runFor(0);
    expect(t.vm('web-03')).toMatchObject({ status: 'MigratingFrom', migrationProgressPercent: 37 });
    expect(t.explain('vm', 'web-03').why).toMatch(/The migration is 37 % done\.$/);
    agent.pushMigration('web-03', { progress: 62 });
    await t.clock.runFor(0);
    expect(t.vm('web-03').migrationProgressPercent).toBe(62);
    agent.announce('web-03', { status: 'Up' });
    await t.clock.runFor(seconds(20));
    expect(t.vm('web-03')).toMatchObject({ status: 'Up', migrationProgressPercent: null });
  });
});
