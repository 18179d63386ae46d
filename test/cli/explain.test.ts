import { describe, expect, it } from 'vitest';
import { minutes, seconds } from '../../src/kernel/index.js';
import { ruleDoc, rulesDocument } from '../../src/rules/index.js';
import { createTestMonitor, FakeFetcher, type TestMonitor } from '../../src/testing/index.js';
import { Cli } from './harness.js';

const VMS = 26;

/** A fleet as in the mock-ups: a host with many VMs that is about to fail, and others that go on. */
async function started(): Promise<{ t: TestMonitor; agents: FakeFetcher }> {
  const vms = Object.fromEntries(Array.from({ length: VMS }, (_, i) => [`web-${i}`, { status: 'Up' } as const]));
  const agents = new FakeFetcher()
    .host('kvm-07', { cluster: 'prod', vms })
    .host('kvm-08', { cluster: 'prod', vms: { 'db-1': { status: 'Up' } } })
    .host('kvm-09', { cluster: 'prod', vms: {} });
  const t = await createTestMonitor({ fetcher: agents, startAt: '2026-01-01T09:00:00Z' });
  await t.clock.runFor(minutes(14));
  return { t, agents };
}

/** What the command prints about an entity of a real monitor, one entry per label. */
async function printed(t: TestMonitor, kind: 'vm' | 'host', name: string): Promise<Record<string, string[]>> {
  const cli = new Cli({ server: { monitor: () => t.monitor, clock: t.clock, scheduler: t.clock } });
  const { code, out, err } = await cli.run('explain', kind, name, '--utc');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const [headline = '', blank, ...lines] = out.trimEnd().split('\n');
  expect(blank).toBe('');
  const sections: Record<string, string[]> = { headline: [headline] };
  let label = '';
  for (const line of lines) {
    label = line.slice(0, 11).trim() || label;
    sections[label] = [...(sections[label] ?? []), line.slice(11)];
  }
  leadsToItsRule(sections['Rule']?.[0] ?? '');
  return sections;
}

function leadsToItsRule(line: string): void {
  const [rule = '', doc = ''] = line.split(/ +/);
  expect(ruleDoc(rule)).toBeDefined();
  expect(rulesDocument('')).toContain(`<a id="${doc.slice('docs/rules.md#'.length)}"></a>**\`${rule}\`**`);
}

const text = (lines: readonly string[] | undefined): string => (lines ?? []).join('\n');

describe('vurti explain, on a fleet with faults', () => {
  it('a VM that is Unknown', async () => {
    const { t: monitor, agents } = await started();
    await using t = monitor;
    agents.on('kvm-07').hang();
    await t.clock.runUntil(() => t.vm('web-3').status === 'Unknown', { within: minutes(3) });
    await t.clock.runFor(minutes(6));
    const page = await printed(t, 'vm', 'web-3');
    expect(page).toMatchObject({
      headline: ['web-3 is Unknown for 6m · was Up on kvm-07 · last heard 09:13:53 (7m25s ago)'],
      Why: [
        'Its host is NonResponsive. A VM on an unreachable host may still run: it is Unknown, not Down. Nothing else of it changes.',
      ],
      Rule: ['host.lost.vms-unknown                     docs/rules.md#host-lost-vms-unknown'],
      'Not done': [
        'Down by absence  needs 2 complete reports of kvm-07 without it; since it fell silent there was none',
        'adoption         none of the 2 other hosts that answer reports it',
        'HA restart       it is not highly available',
      ],
      'Ends when': [
        'kvm-07 lists it → that status',
        'kvm-07 answers twice without it → Down with an error',
        'another host lists it → it moves there',
        'you have proof that kvm-07 is off: vurti hosts confirm-rebooted kvm-07',
      ],
      // Alone, it stands under no other event.
      Events: [
        expect.stringMatching(/^09:15:18\.\d+ WARNING VM_SET_TO_UNKNOWN_STATUS {2}web-3 {2}was set to Unknown$/),
      ],
    });
    const evidence = text(page['Evidence']);
    expect(evidence).toMatch(/^09:13:53 {2}poll \d+ of kvm-07: web-3 is in it$/m);
    expect(evidence).toMatch(/1 failed attempt \(≤ 2\), 25s silent .* · kvm-07 Up → Connecting$/m);
    expect(evidence).toMatch(/^09:14:30 {2}4 times until 09:15:06: no answer within 10s/m);
    expect(evidence).toMatch(
      /6 failed attempts \(> 2\), 85s silent \(> 73 = 60 \+ 0\.5 × 26 VMs\) · kvm-07 Connecting → NonResponsive · web-3 Up → Unknown$/m,
    );
    expect(text(page['Next'])).toMatch(
      /^next attempt to hear from kvm-07 at 09:21:\d+ \(in \d+s\) · vurti explain host kvm-07$/,
    );
    const host = await printed(t, 'host', 'kvm-07');
    expect(host['headline']).toEqual([
      'kvm-07 is NonResponsive for 6m · was Connecting · last heard 09:13:53 (7m25s ago)',
    ]);
    // The host is named once in a line about it.
    expect(text(host['Events'])).toMatch(/VDS_FAILURE +kvm-07 {2}NonResponsive: no answer within 10s \(/);
    expect(text(host['Events'])).toMatch(/└ VM_SET_TO_UNKNOWN_STATUS {2}26 VMs: web-0, web-1, web-2 …/);
  });

  it('a VM that was missed once, and then again', async () => {
    const { t: monitor, agents } = await started();
    await using t = monitor;
    agents.on('kvm-07').without('web-3');
    await t.clock.runFor(seconds(15));
    const missed = await printed(t, 'vm', 'web-3');
    expect(missed).toMatchObject({
      headline: ['web-3 is Up for 14m · on kvm-07 · last heard 09:13:53 (21s ago)'],
      Why: [
        'It is missing in the last report of kvm-07, and stays Up: one report may have been made at a bad moment, 2 in a row count.',
      ],
      Rule: [expect.stringMatching(/^vm\.absent\.missed /)],
      'Not done': ['Down by absence  miss 1 of 2'],
      'Ends when': [
        'kvm-07 lists it again → it stays as it is',
        'kvm-07 answers once more without it → Down with an error',
        'another host lists it → it moves there',
      ],
      Next: ['next report of kvm-07 at 09:14:23 (in 9s)'],
    });
    expect(missed['Evidence']?.at(-1)).toMatch(/^09:14:08 {2}poll \d+ of kvm-07: not listed; miss 1 of 2$/);
    await t.clock.runFor(seconds(15));
    const gone = await printed(t, 'vm', 'web-3');
    expect(text(gone['headline'])).toMatch(/^web-3 is Down for 6s · was Up · last heard 09:13:53/);
    expect(text(gone['Rule'])).toMatch(/^vm\.absent\.vanished /);
  });

  it('a VM that migrates, and has migrated', async () => {
    const { t: monitor, agents } = await started();
    await using t = monitor;
    t.monitor.commands.migrating('db-1', 'kvm-09');
    agents.on('kvm-08').with('db-1', { status: 'MigratingFrom' });
    agents.on('kvm-09').with('db-1', { status: 'MigratingTo' });
    await t.clock.runFor(seconds(30));
    const under = await printed(t, 'vm', 'db-1');
    expect(text(under['headline'])).toMatch(/^db-1 is MigratingFrom for 30s · on kvm-08 · was Up · last heard/);
    expect(under['Ends when']).toEqual([
      'kvm-09 reports it running → it runs there',
      'kvm-08 reports it running again → the migration has failed',
    ]);
    expect(text(under['Evidence'])).toContain(
      'the manager, the command line or the API said so · db-1 Up → MigratingFrom',
    );
    expect(under['Not done']).toEqual(['ownership  MigratingTo on kvm-09 says nothing about where the VM lives']);
    agents.on('kvm-08').with('db-1', { status: 'Down', exitStatus: 'Normal', exitReason: 'MigrationSucceeded' });
    agents.on('kvm-09').with('db-1', { status: 'Up' });
    await t.clock.runFor(seconds(15));
    agents.on('kvm-08').without('db-1');
    await t.clock.runFor(seconds(30));
    const after = await printed(t, 'vm', 'db-1');
    expect(text(after['headline'])).toMatch(/^db-1 is Up for 40s · on kvm-09 · was MigratingTo · last heard/);
    expect(text(after['Why'])).toMatch(/^It went from kvm-08 to kvm-09, which reports it Up\. /);
    expect(text(after['Evidence'])).toMatch(
      /poll \d+ of kvm-08: Down · db-1 MigratingFrom → MigratingTo · db-1 on kvm-08 → on kvm-09\n.*kvm-09: Up · db-1 MigratingTo → Up/,
    );
  });

  it('a host that is Connecting, and one of its VMs', async () => {
    const { t: monitor, agents } = await started();
    await using t = monitor;
    agents.on('kvm-07').refuse();
    await t.clock.runUntil(() => t.host('kvm-07').status === 'Connecting', { within: minutes(1) });
    await t.clock.runFor(seconds(20));
    const page = await printed(t, 'host', 'kvm-07');
    expect(page).toMatchObject({
      headline: ['kvm-07 is Connecting for 20s · was Up · last heard 09:13:53 (35s ago)'],
      Why: ['The first failed attempt: contact is being looked for, VMs keep their status.'],
      Rule: [expect.stringMatching(/^host\.failure\.connecting /)],
      'Not done': [
        'NonResponsive  in grace: needs more than 2 failed attempts (7 so far) and 73s of silence (35s so far)',
        'VMs            its 26 VMs keep their status meanwhile',
      ],
      'Ends when': [
        'it answers capabilities and statistics, and breaks no rule of its cluster → Up',
        'it answers, and breaks a rule of its cluster → NonOperational',
        'it stays silent → NonResponsive, its 26 VMs Unknown',
      ],
    });
    expect(text(page['Next'])).toMatch(
      /^counts as lost unless it answers at 09:15:06 \(in 38s\) · next attempt at 09:14:\d+ \(in \ds\) · at once: vurti poke kvm-07$/,
    );
    const vm = await printed(t, 'vm', 'web-3');
    expect(vm['Not done']).toEqual(['any change  kvm-07 is Connecting: nothing new is heard of its VMs']);
    expect(vm['Ends when']?.at(-1)).toBe('kvm-07 stays silent → NonResponsive, and this VM Unknown');
  });
});

describe('the line on pushes', () => {
  it('says how far they are believed, how often the host is polled for it, and when the last one was missed', async () => {
    const agents = new FakeFetcher({ pushes: true, advance: true }).host('kvm-07', { vms: { 'web-03': {} } });
    await using t = await createTestMonitor({ fetcher: agents, startAt: '2026-01-01T09:00:00Z' });
    await t.clock.runFor(minutes(20));
    expect((await printed(t, 'host', 'kvm-07'))['Pushes']).toEqual([
      'connected, and whole since a poll · polled every 1m (4 intervals) · no gap since the start',
    ]);
    agents.on('kvm-07').with('web-03', { status: 'RebootInProgress' });
    await t.clock.runFor(seconds(70));
    expect(text((await printed(t, 'host', 'kvm-07'))['Pushes'])).toMatch(
      /^connected, and whole since a poll · not trusted for ten minutes after a gap · polled every 15s · 1 gap, the last 09:2\d:\d\d$/,
    );
    expect((await printed(t, 'vm', 'web-03'))['Pushes']).toBeUndefined();
  });
});
