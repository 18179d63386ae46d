import { describe, expect, it } from 'vitest';
import { type LogLevel, silentTelemetry } from '../../src/kernel/index.js';
import { type HostSource, InventorySources } from '../../src/monitor/index.js';
import { createTestMonitor, FakeFetcher, minutes, type TestMonitor } from '../../src/testing/index.js';

const lab = 'file:/etc/vurti/lab.yaml';
const names = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `kvm-${String(i + 1).padStart(2, '0')}`);
const listing = (id: string, hosts: readonly string[]): HostSource => ({
  id,
  hosts: hosts.map((name) => ({ name, address: `${name}.example.com` })),
});

async function world(): Promise<{
  t: TestMonitor;
  sources: InventorySources;
  said: string[];
  gauges: Map<string, number>;
  attention: () => string[];
  here: () => string[];
}> {
  const agents = new FakeFetcher();
  for (const name of names(6)) agents.host(name, { vms: {} });
  const said: string[] = [];
  const gauges = new Map<string, number>();
  let sources: InventorySources | undefined;
  const t = await createTestMonitor({ fetcher: agents, hosts: [], troubles: () => sources?.troubles() ?? [] });
  const { monitor, clock } = t;
  const telemetry = {
    ...silentTelemetry,
    log: (level: LogLevel, message: string) => void said.push(`${level} ${message}`),
    gauge: (name: string, value: number) => void gauges.set(name, value),
  };
  sources = new InventorySources({ hosts: monitor.hosts, clock, scheduler: clock, telemetry });
  const attention = (): string[] =>
    monitor
      .status()
      .attention.filter(({ text }) => /listed|lost|lists|read/.test(text))
      .map(({ name, text }) => `${name}: ${text}`);
  const here = (): string[] =>
    monitor.hosts
      .list()
      .map((host) => host.name)
      .sort();
  return { t, sources, said, gauges, attention, here };
}

describe('hosts of the inventory', () => {
  it('remember their source; of two sources with one id the first counts, and the host stays until both drop it', async () => {
    const { t, sources } = await world();
    await using _ = t;
    const more = {
      id: lab,
      hosts: [{ name: 'kvm-01', address: 'elsewhere' }, ...listing(lab, ['kvm-03', 'kvm-04']).hosts],
    };
    expect(sources.take([listing('settings', ['kvm-01', 'kvm-02']), more])).toMatchObject({
      added: ['kvm-01', 'kvm-02', 'kvm-03', 'kvm-04'],
      changed: [],
    });
    expect(t.host('kvm-01')).toMatchObject({ source: 'settings', address: 'kvm-01.example.com' });
    expect(t.host('kvm-03').source).toBe(lab);
    expect(sources.take([listing('settings', ['kvm-02']), more])).toMatchObject({ changed: ['kvm-01'], leaving: [] });
    expect(t.host('kvm-01')).toMatchObject({ source: lab, address: 'elsewhere' });
  });

  it('leave for ten minutes, said at once and at the end by an event, and go then', async () => {
    const { t, sources, attention, here, gauges } = await world();
    await using _ = t;
    sources.take([listing(lab, names(5))]);
    await t.clock.runFor(minutes(1));
    expect(sources.take([listing(lab, names(4))]).leaving).toEqual(['kvm-05']);
    // Said once, however often the source is read.
    expect(sources.take([listing(lab, names(4))]).leaving).toEqual([]);
    expect(attention()).toEqual(['kvm-05: not listed in /etc/vurti/lab.yaml any more; removed in 10m']);
    expect(gauges.get('vurti_inventory_leaving_hosts')).toBe(1);
    await t.clock.runFor(minutes(9));
    expect([here(), t.host('kvm-05').status]).toEqual([names(5), 'Up']);
    await t.clock.runFor(minutes(1));
    expect(here()).toEqual(names(4));
    expect(
      t
        .events()
        .filter(({ name }) => /INVENTORY/.test(name))
        .map(({ name, message }) => [name, message]),
    ).toEqual([
      [
        'VDS_LEFT_INVENTORY',
        expect.stringMatching(/is not listed in \/etc\/vurti\/lab\.yaml any more; removed at 20.*Z/),
      ],
      ['VDS_REMOVED_FROM_INVENTORY', expect.stringMatching(/is removed: no longer listed in \/etc\/vurti\/lab\.yaml/)],
    ]);
    expect([attention(), gauges.get('vurti_inventory_leaving_hosts')]).toEqual([[], 0]);
  });

  it('come back within that time as if nothing had been', async () => {
    const { t, sources, attention, here } = await world();
    await using _ = t;
    sources.take([listing(lab, names(5))]);
    sources.take([listing(lab, names(3))]);
    await t.clock.runFor(minutes(5));
    expect(sources.take([listing(lab, names(5))])).toMatchObject({ returned: ['kvm-04', 'kvm-05'], added: [] });
    await t.clock.runFor(minutes(30));
    expect([here(), attention()]).toEqual([names(5), []]);
  });

  it.each([
    ['lists nothing', [], /lists no host: none is removed/],
    ['has lost more than half', names(2), /has lost 3 of 5 hosts: none is removed.*vurti reload --accept-removals/],
  ])('stay when their source %s, and it says so', async (_name, listed, text) => {
    const { t, sources, attention, here, said, gauges } = await world();
    await using _ = t;
    sources.take([listing(lab, names(5)), listing('settings', ['kvm-06'])]);
    const broken = [listing(lab, listed), listing('settings', ['kvm-06'])];
    expect(sources.take(broken)).toMatchObject({ leaving: [], held: [{ source: lab, missing: 5 - listed.length }] });
    sources.take(broken);
    expect(attention()).toEqual([expect.stringMatching(text)]);
    expect(said).toEqual(['warn Most hosts are missing from a source of the inventory; none of them is removed']);
    expect(gauges.get('vurti_inventory_held_hosts')).toBe(5 - listed.length);
    await t.clock.runFor(minutes(60));
    expect(here()).toEqual(names(6));
    // Right again: nobody has noticed.
    sources.take([listing(lab, names(5)), listing('settings', ['kvm-06'])]);
    expect([attention(), gauges.get('vurti_inventory_held_hosts')]).toEqual([[], 0]);
    expect(sources.take(broken, { acceptRemovals: true }).leaving).toHaveLength(5 - listed.length);
    await t.clock.runFor(minutes(10));
    expect(here()).toEqual([...listed, 'kvm-06']);
  });

  it('stay when one that leaves belongs to a source that is held by then', async () => {
    const { t, sources, here } = await world();
    await using _ = t;
    sources.take([listing(lab, names(5))]);
    sources.take([listing(lab, names(4))]);
    sources.take([listing(lab, [])]);
    await t.clock.runFor(minutes(30));
    expect(here()).toEqual(names(5));
  });

  it('of the API stay apart; a name of theirs is not taken by another id', async () => {
    const { t, sources, here, said } = await world();
    await using _ = t;
    t.monitor.hosts.put({ id: 'x1', name: 'kvm-06', address: 'a', source: 'api' });
    sources.take([listing(lab, names(3))]);
    expect(sources.take([listing(lab, ['kvm-01', 'kvm-02', 'kvm-06'])])).toMatchObject({
      refused: [{ host: 'kvm-06', because: 'another host bears its name (id x1)' }],
      leaving: ['kvm-03'],
    });
    expect(said).toEqual(['warn A host of the inventory is not taken']);
    await t.clock.runFor(minutes(10));
    expect([here(), t.host('kvm-06').source]).toEqual([['kvm-01', 'kvm-02', 'kvm-06'], 'api']);
  });

  it('set up anew under another id replace the old one at once', async () => {
    const { t, sources } = await world();
    await using _ = t;
    sources.take([listing(lab, ['kvm-01'])]);
    const anew = { id: lab, hosts: [{ id: 'n1', name: 'kvm-01', address: 'b' }] };
    expect(sources.take([anew])).toMatchObject({ removed: ['kvm-01'], added: ['kvm-01'] });
    expect(t.monitor.hosts.list().map(({ id }) => id)).toEqual(['n1']);
  });

  it('of a source that cannot be read are told of until it can', async () => {
    const { t, sources, attention, said } = await world();
    await using _ = t;
    const failed = new Map([[lab, 'lab.yaml:1:1  half-written']]);
    sources.setFailed(failed);
    sources.setFailed(failed);
    expect(attention()).toEqual([
      'inventory: /etc/vurti/lab.yaml cannot be read, its hosts stay as they were: lab.yaml:1:1  half-written',
    ]);
    sources.setFailed(new Map());
    expect([attention(), said]).toEqual([
      [],
      [
        'warn A source of hosts cannot be read; its hosts stay as they were',
        'info A source of hosts can be read again',
      ],
    ]);
  });

  it('leave no timer behind when it stops', async () => {
    const { t, sources, here } = await world();
    await using _ = t;
    sources.take([listing(lab, names(5))]);
    sources.take([listing(lab, names(4))]);
    sources.stop();
    await t.clock.runFor(minutes(20));
    expect(here()).toEqual(names(5));
  });
});
