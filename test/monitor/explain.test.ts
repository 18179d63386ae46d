import { describe, expect, it } from 'vitest';
import { minutes, seconds } from '../../src/kernel/index.js';
import { createTestMonitor, FakeFetcher, MemoryStore, type TestMonitor, VirtualTime } from '../../src/testing/index.js';

const VMS = 26;

function fleet(): FakeFetcher {
  const vms = Object.fromEntries(Array.from({ length: VMS }, (_, i) => [`web-${i}`, { status: 'Up' } as const]));
  return new FakeFetcher().host('kvm-07', { vms }).host('kvm-08', { vms: { 'db-1': { status: 'Up' } } });
}

const texts = (t: TestMonitor, kind: 'vm' | 'host', ref: string): string[] =>
  t.explain(kind, ref).evidence.map(({ text }) => text);

describe('explain a host', () => {
  it('that was just added', async () => {
    await using t = await createTestMonitor({ fetcher: fleet() });
    expect(t.explain('host', 'kvm-07')).toMatchObject({
      ...{ status: 'Unassigned', rule: null, doc: null, heardAt: null, evidence: [] },
      notDone: [{ what: 'any verdict' }],
      next: [
        { text: 'next attempt', at: t.host('kvm-07').nextPollAt },
        { text: 'at once: vurti poke kvm-07', at: null },
      ],
    });
  });

  it('that is well: by which rule, and its last calls', async () => {
    await using t = await createTestMonitor({ fetcher: fleet() });
    await t.clock.runFor(minutes(1));
    const explained = t.explain('host', 'kvm-07');
    expect(explained).toMatchObject({
      ...{
        status: 'Up',
        previous: 'Unassigned',
        rule: 'host.up',
        doc: 'docs/rules.md#host-up',
        notDone: [],
        endsWhen: [],
      },
      next: [{ text: 'asked next' }],
    });
    expect(explained.why).not.toContain('§');
    expect(explained.calls.at(-1)).toMatchObject({ outcome: 'answered', code: null });
    expect(explained.rulesOff).toContainEqual({
      rule: 'host.nic-down',
      because: 'not known: networks of the cluster',
    });
  });

  it('Connecting: what grace is left, and what its end would bring', async () => {
    const agents = fleet();
    await using t = await createTestMonitor({ fetcher: agents });
    await t.clock.runFor(minutes(1));
    agents.on('kvm-07').refuse();
    await t.clock.runUntil(() => t.host('kvm-07').status === 'Connecting', { within: minutes(1) });
    const explained = t.explain('host', 'kvm-07');
    expect(explained).toMatchObject({
      ...{ rule: 'host.failure.connecting', doc: 'docs/rules.md#host-failure-connecting' },
      notDone: [
        {
          what: 'NonResponsive',
          why: 'in grace: needs more than 2 failed attempts (1 so far) and 73s of silence (15s so far)',
        },
        { what: 'VMs', why: 'its 26 VMs keep their status meanwhile' },
      ],
    });
    expect(explained.evidence.at(-1)?.text).toMatch(
      /; 1 failed attempt \(≤ 2\), 15s silent \(≤ 73 = 60 \+ 0\.5 × 26 VMs\)$/,
    );
    expect(explained.evidence.at(-1)?.becomes).toEqual([{ name: 'kvm-07', from: 'Up', to: 'Connecting' }]);
    expect(explained.endsWhen.at(-1)).toBe('it stays silent → NonResponsive, its 26 VMs Unknown');
    expect(explained.next[0]).toEqual({ text: 'counts as lost unless it answers', at: t.host('kvm-07').graceEndsAt });
  });

  it('NonResponsive: attempts of one kind are one line, however many there were', async () => {
    const agents = fleet();
    await using t = await createTestMonitor({ fetcher: agents });
    await t.clock.runFor(minutes(1));
    agents.on('kvm-07').refuse();
    await t.clock.runFor(minutes(30));
    const explained = t.explain('host', 'kvm-07');
    expect(explained).toMatchObject({ status: 'NonResponsive', rule: 'host.lost', previous: 'Connecting' });
    expect(explained.evidence.length).toBeLessThanOrEqual(8);
    expect(explained.evidence.map(({ rule }) => rule)).toEqual([
      'host.up',
      'host.failure.connecting',
      'host.failure.in-grace',
      'host.lost',
      'host.failure.still-lost',
    ]);
    expect(explained.evidence.at(-1)?.times).toBeGreaterThan(50);
    expect(explained.endsWhen).toContain(
      'you have proof that it is off: vurti hosts confirm-rebooted kvm-07 → its VMs Down',
    );
  });

  it('Initializing, then NonOperational', async () => {
    const agents = fleet();
    await using t = await createTestMonitor({ fetcher: agents, settings: { autoRecovery: { hosts: false } } });
    await t.clock.runFor(minutes(1));
    agents.on('kvm-08').code(99);
    await t.clock.runFor(seconds(20));
    expect(t.explain('host', 'kvm-08')).toMatchObject({
      ...{ status: 'Initializing', rule: 'host.recovering.begins' },
      notDone: [{ what: 'any verdict on its VMs' }],
      next: [{ text: 'NonOperational unless it has recovered' }, {}, {}],
    });
    expect(texts(t, 'host', 'kvm-08').at(-1)).toMatch(/^poll \d+ of kvm-08: answers, but is still re-adopting its VMs/);
    await t.clock.runFor(minutes(4));
    const explained = t.explain('host', 'kvm-08');
    expect(explained).toMatchObject({ status: 'NonOperational', rule: 'host.recovering.timeout' });
    expect(explained.why).toContain('TIMEOUT_RECOVERING_FROM_CRASH');
    expect(explained.endsWhen).toContain('the cause is removed and it is activated: vurti hosts activate kvm-08');
  });

  it('in Maintenance: who put it there, and how it ends', async () => {
    await using t = await createTestMonitor({ fetcher: new FakeFetcher().host('kvm-09', { vms: {} }) });
    await t.clock.runFor(minutes(1));
    t.monitor.hosts.maintenance('kvm-09', 'disk');
    expect(t.explain('host', 'kvm-09')).toMatchObject({
      ...{ status: 'Maintenance', rule: 'host.maintenance', previous: 'Up' },
      notDone: [{ what: 'asking and judging it' }],
      endsWhen: ['it is activated: vurti hosts activate kvm-09'],
      next: [],
    });
    expect(texts(t, 'host', 'kvm-09').at(-1)).toBe('the manager, the command line or the API said so');
  });

  it('after a restart of the service', async () => {
    const clock = new VirtualTime();
    const agents = fleet();
    const store = new MemoryStore({ clock, scheduler: clock });
    {
      await using t = await createTestMonitor({ fetcher: agents, clock, store });
      await t.clock.runFor(minutes(1));
      agents.on('kvm-07').refuse();
      await t.clock.runFor(minutes(3));
    }
    const second = new MemoryStore({ clock, scheduler: clock, previous: store });
    await using t = await createTestMonitor({ fetcher: agents, clock, store: second });
    expect(t.explain('host', 'kvm-07')).toMatchObject({ status: 'Unassigned', rule: 'host.start' });
    expect(t.explain('vm', 'web-3')).toMatchObject({ status: 'Unknown', rule: null, host: 'kvm-07' });
  });
});

describe('explain a VM', () => {
  it('that is well', async () => {
    await using t = await createTestMonitor({ fetcher: fleet() });
    await t.clock.runFor(minutes(1));
    expect(t.explain('vm', 'db-1')).toMatchObject({
      ...{ status: 'Up', host: 'kvm-08', rule: 'vm.elsewhere.adopt', freshness: 'live', notDone: [], endsWhen: [] },
      next: [{ text: 'next report of kvm-08', at: t.host('kvm-08').nextPollAt }],
    });
  });

  it('that is Unknown: what its host did, what was not concluded, what would end it', async () => {
    const agents = fleet();
    await using t = await createTestMonitor({ fetcher: agents, vms: [{ id: 'web-3', name: 'web-3', ha: true }] });
    await t.clock.runFor(minutes(1));
    agents.on('kvm-07').refuse();
    await t.clock.runFor(minutes(3));
    const explained = t.explain('vm', 'web-3');
    expect(explained).toMatchObject({
      ...{ status: 'Unknown', previous: 'Up', host: 'kvm-07', freshness: 'unknown' },
      ...{ rule: 'host.lost.vms-unknown', doc: 'docs/rules.md#host-lost-vms-unknown' },
      notDone: [
        {
          what: 'Down by absence',
          why: 'needs 2 complete reports of kvm-07 without it; since it fell silent there was none',
        },
        { what: 'adoption', why: 'the one other host that answers does not report it' },
        { what: 'HA restart', why: 'no proof that kvm-07 is off' },
      ],
      endsWhen: [
        'kvm-07 lists it → that status',
        'kvm-07 answers twice without it → Down with an error',
        'another host lists it → it moves there',
        'you have proof that kvm-07 is off: vurti hosts confirm-rebooted kvm-07',
      ],
      next: [
        { text: 'next attempt to hear from kvm-07', at: t.host('kvm-07').nextPollAt },
        { text: 'vurti explain host kvm-07', at: null },
      ],
    });
    const { evidence } = explained;
    expect(evidence.map(({ at }) => at)).toEqual(evidence.map(({ at }) => at).sort((a, b) => a - b));
    const heard = evidence.find(({ rule }) => rule === null);
    expect(heard?.at).toBe(explained.heardAt);
    expect(heard?.text).toMatch(/^poll \d+ of kvm-07: web-3 is in it$/);
    expect(evidence.find(({ rule }) => rule === 'host.lost')?.becomes).toEqual([
      { name: 'kvm-07', from: 'Connecting', to: 'NonResponsive' },
      { name: 'web-3', from: 'Up', to: 'Unknown' },
    ]);
  });

  it('that was missed once, and then again', async () => {
    const agents = fleet();
    await using t = await createTestMonitor({ fetcher: agents });
    await t.clock.runFor(minutes(1));
    agents.on('kvm-07').without('web-3');
    await t.clock.runFor(seconds(15));
    expect(t.explain('vm', 'web-3')).toMatchObject({
      ...{ status: 'Up', rule: 'vm.absent.missed', doc: 'docs/rules.md#vm-absent-missed' },
      notDone: [{ what: 'Down by absence', why: 'miss 1 of 2' }],
      endsWhen: [
        'kvm-07 lists it again → it stays as it is',
        'kvm-07 answers once more without it → Down with an error',
        'another host lists it → it moves there',
      ],
    });
    expect(texts(t, 'vm', 'web-3').at(-1)).toMatch(/^poll \d+ of kvm-07: not listed; miss 1 of 2$/);
    await t.clock.runFor(seconds(15));
    const gone = t.explain('vm', 'web-3');
    expect(gone).toMatchObject({ status: 'Down', host: null, rule: 'vm.absent.vanished', previous: 'Up' });
    expect(gone.why).toContain('Could not find VM web-3 on host');
    expect(gone.endsWhen).toEqual(['a host reports it → it runs there']);
  });

  it('that went to another host', async () => {
    const agents = fleet();
    await using t = await createTestMonitor({ fetcher: agents });
    await t.clock.runFor(minutes(1));
    agents.on('kvm-07').with('db-1', { status: 'Up' });
    agents.on('kvm-08').without('db-1');
    await t.clock.runFor(seconds(40));
    const explained = t.explain('vm', 'db-1');
    expect(explained).toMatchObject({ status: 'Up', host: 'kvm-07' });
    expect(explained.evidence.flatMap(({ becomes }) => becomes)).toContainEqual({
      name: 'db-1',
      from: 'on kvm-08',
      to: 'on kvm-07',
    });
  });

  it('that a command of the manager works on', async () => {
    const agents = fleet();
    await using t = await createTestMonitor({ fetcher: agents });
    await t.clock.runFor(minutes(1));
    t.monitor.commands.begin('db-1', 'shutdown');
    agents.on('kvm-08').with('db-1', { status: 'Paused' });
    await t.clock.runFor(seconds(31));
    const explained = t.explain('vm', 'db-1');
    expect(explained).toMatchObject({
      status: 'Up',
      notDone: [{ what: 'judging its reports', why: 'a command of the manager works on it' }, {}],
    });
    expect(explained.evidence.find(({ rule }) => rule === 'vm.admission.command')?.times).toBe(2);
  });

  it('does not know what nobody knows', async () => {
    await using t = await createTestMonitor({ fetcher: fleet(), vms: [{ id: 'web-3', name: 'web-3' }] });
    await t.clock.runFor(minutes(1));
    expect(t.explain('vm', 'web-3').rulesOff.map(({ rule }) => rule)).toEqual([
      'vm.ha-restart',
      'vm.memory.under-guarantee',
    ]);
    expect(() => t.explain('vm', 'nobody')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }) as Error);
  });
});

it('keeps nothing for VMs whose reports do not differ', async () => {
  const agents = new FakeFetcher({ advance: true }).host('kvm-01', {
    vms: Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`vm-${i}`, { status: 'Up' } as const])),
  });
  await using t = await createTestMonitor({ fetcher: agents });
  await t.clock.runFor(minutes(2));
  const first = t.explain('vm', 'vm-7').evidence.length;
  await t.clock.runFor(minutes(20));
  // The start is still told, a report that says nothing new is not.
  expect(t.explain('vm', 'vm-7').evidence).toHaveLength(first);
  // An hour without news, and nobody asks any more.
  await t.clock.runFor(minutes(60));
  agents.on('kvm-01').with('vm-0', { status: 'Paused' });
  await t.clock.runFor(minutes(1));
  expect(t.explain('vm', 'vm-7').evidence.map(({ rule }) => rule)).toEqual([null]);
  const changed = t.explain('vm', 'vm-0');
  expect(changed.evidence.map(({ rule }) => rule)).toContain('vm.here.status-changed');
  expect(changed.why).toMatch(/^kvm-01 reports it Paused\. /);
}, 60_000);

it('a VM that moved without a change of status: how it came, then how it became', async () => {
  const agents = new FakeFetcher().host('kvm-01', { vms: { mover: { status: 'Up' } } }).host('kvm-02', { vms: {} });
  await using t = await createTestMonitor({ fetcher: agents });
  await t.clock.runFor(minutes(1));
  agents.on('kvm-01').without('mover');
  agents.on('kvm-02').with('mover', { status: 'Up' });
  await t.clock.runUntil(() => t.vm('mover').host === 'kvm-02', { within: minutes(1) });
  expect(t.explain('vm', 'mover')).toMatchObject({ rule: 'vm.elsewhere.adopt', status: 'Up' });
  expect(t.explain('vm', 'mover').why).toMatch(
    /^It went from kvm-01 to kvm-02, which reports it Up\. A host that it was/,
  );
  agents.on('kvm-02').with('mover', { status: 'Paused' });
  await t.clock.runUntil(() => t.vm('mover').status === 'Paused', { within: minutes(1) });
  expect(t.explain('vm', 'mover').why).toMatch(
    /^It went from kvm-01 to kvm-02, which reports it Paused\. The host that runs/,
  );
});

it('status and explain tell the same of the grace that is left', async () => {
  const agents = fleet();
  await using t = await createTestMonitor({ fetcher: agents });
  await t.clock.runFor(minutes(1));
  agents.on('kvm-07').refuse();
  await t.clock.runUntil(() => t.host('kvm-07').status === 'Connecting', { within: minutes(1) });
  await t.clock.runFor(seconds(10));
  const left = ((t.host('kvm-07').graceEndsAt ?? 0) - t.clock.now()) / 1000;
  const [first] = t.monitor.status().attention;
  expect(first?.text).toContain(`, ${Math.floor(left)}s of grace left; its 26 VMs keep their status`);
});
