import { describe, expect, it } from 'vitest';
import type { ClusterNetwork, InterfaceStatus, VdsInterface, VdsStatus } from '../../src/model/index.js';
import { decideHost, type HostVerdict, nicsWithNetworks, problematicNics } from '../../src/rules/index.js';
import { host, hostStats, nicSample, vm } from '../support/entities.js';
import { type HostCaseMore, hostCase, NOW, network, nic, summaryOf, usageOf } from '../support/host-case.js';

const networks = [
  network('req'),
  network('opt', { required: false }),
  network('nonop', { status: 'NON_OPERATIONAL' }),
  network('more'),
];
const byName = new Map(networks.map((each) => [each.name, each]));

describe('problematic nics (§2.5)', () => {
  it.each<[string, VdsInterface[], Record<string, InterfaceStatus>, Record<string, string[]>]>([
    ['required network, nic down', [nic('eth0', { network: 'req' })], { eth0: 'DOWN' }, { eth0: ['req'] }],
    ['nic up', [nic('eth0', { network: 'req' })], { eth0: 'UP' }, {}],
    ['reported without a state', [nic('eth0', { network: 'req' })], { eth0: 'NONE' }, { eth0: ['req'] }],
    ['not reported at all', [nic('eth0', { network: 'req' })], {}, {}],
    ['not required', [nic('eth0', { network: 'opt' })], { eth0: 'DOWN' }, {}],
    ['not operational', [nic('eth0', { network: 'nonop' })], { eth0: 'DOWN' }, {}],
    ['not in the cluster', [nic('eth0', { network: 'other' })], { eth0: 'DOWN' }, {}],
    ['no network', [nic('eth0')], { eth0: 'DOWN' }, {}],
    [
      'vlan, base down',
      [nic('eth0'), nic('eth0.5', { network: 'req', vlanId: 5, baseInterface: 'eth0' })],
      { eth0: 'DOWN', 'eth0.5': 'UP' },
      { eth0: ['req'] },
    ],
    [
      'vlan down, base up',
      [nic('eth0'), nic('eth0.5', { network: 'req', vlanId: 5, baseInterface: 'eth0' })],
      { eth0: 'UP', 'eth0.5': 'DOWN' },
      {},
    ],
    [
      'vlan, base not listed',
      [nic('eth0.5', { network: 'req', vlanId: 5, baseInterface: 'eth0' })],
      { eth0: 'DOWN' },
      {},
    ],
    [
      'two networks',
      [nic('eth0', { network: 'req' }), nic('eth0.5', { network: 'more', vlanId: 5, baseInterface: 'eth0' })],
      { eth0: 'DOWN' },
      { eth0: ['req', 'more'] },
    ],
    [
      'the same network twice on one nic',
      [
        nic('eth0'),
        nic('eth0.5', { network: 'req', vlanId: 5, baseInterface: 'eth0' }),
        nic('eth0.6', { network: 'req', vlanId: 6, baseInterface: 'eth0' }),
      ],
      { eth0: 'DOWN' },
      { eth0: ['req'] },
    ],
    [
      'no vlan: its own state counts, whatever lies below it',
      [nic('eth0'), nic('br0', { network: 'req', baseInterface: 'eth0' })],
      { eth0: 'DOWN', br0: 'UP' },
      {},
    ],
    [
      'bond',
      [nic('bond0', { network: 'req' }), nic('eth0', { bondName: 'bond0' })],
      { bond0: 'DOWN', eth0: 'UP' },
      { bond0: ['req'] },
    ],
  ])('%s', (_, interfaces, states, expected) => {
    expect(Object.fromEntries(problematicNics(interfaces, (name) => states[name], byName))).toEqual(expected);
  });

  it('reads as people say it', () => {
    expect(
      nicsWithNetworks(
        new Map([
          ['eth0', ['red', 'blue']],
          ['eth1', ['green']],
        ]),
      ),
    ).toBe('eth0 (red, blue), eth1 (green)');
  });
});

const states = (of: Record<string, InterfaceStatus>) => ({
  nics: Object.entries(of).map(([name, status]) => nicSample(name, { status })),
});
const eth1 = host('h1', 'Up', { interfaces: [nic('eth1', { network: 'req' })] });

function judge(
  now: Record<string, InterfaceStatus>,
  more: HostCaseMore = {},
  h = eth1,
  facts: readonly ClusterNetwork[] = networks,
): HostVerdict {
  return decideHost(hostCase(h, { networks: facts, ...more }), { kind: 'statistics', report: hostStats(states(now)) });
}

describe('a nic that stays down', () => {
  it('is remembered at first, and nothing else', () => {
    const verdict = judge({ eth1: 'DOWN' }, { usage: usageOf({ eth1: 'DOWN' }) });
    expect(summaryOf(verdict)).toMatchObject({ rule: 'host.statistics', status: 'Up', events: [] });
    expect(verdict.effects).toContain('host.stats.nic-first-down');
    expect(verdict.draft.liveness.nicsDownSince).toBe(NOW);
  });

  it.each([
    [59, 'Up'],
    [60, 'NonOperational'],
  ])('for %i s: %s', (seconds, status) => {
    const verdict = judge(
      { eth1: 'DOWN' },
      { liveness: { nicsDownSince: NOW - seconds * 1000 }, usage: usageOf({ eth1: 'DOWN' }) },
    );
    expect(verdict.draft.dynamic.status).toBe(status);
  });

  it('makes the host NonOperational, with what goes with it', () => {
    const more = {
      liveness: { nicsDownSince: 0 },
      usage: usageOf({ eth1: 'DOWN' }),
      vms: [vm('v1'), vm('v2', 'Up', { static: { priority: 9 } })],
    };
    const verdict = judge({ eth1: 'DOWN' }, more);
    expect(summaryOf(verdict)).toMatchObject({
      rule: 'host.nic-down',
      intents: ['migrateVms'],
      signals: ['setNonOperational'],
    });
    expect(verdict.draft.dynamic.nonOperationalReason).toBe('NETWORK_INTERFACE_IS_DOWN');
    expect(verdict.draft.events).toEqual([
      { name: 'VDS_SET_NONOPERATIONAL_IFACE_DOWN', params: { NicsWithNetworks: 'eth1 (req)' }, customId: 'eth1 (req)' },
    ]);
    expect(verdict.draft.intents[0]?.evidence).toMatchObject({ vms: ['v2', 'v1'] });
    expect(verdict.draft.liveness.nicsDownSince).toBeNull();
  });

  it('says why the host is not NonOperational yet', () => {
    expect(judge({ eth1: 'DOWN' }, { usage: usageOf({ eth1: 'DOWN' }) }).draft.notDone).toEqual([
      { what: 'NonOperational', why: 'nics are down within their grace: eth1' },
    ]);
  });

  it.each<[string, HostCaseMore, Record<string, InterfaceStatus>, VdsStatus, string[], number | null]>([
    ['down for the first time', {}, { eth1: 'DOWN' }, 'Up', ['nic-first-down'], NOW],
    ['down as before', { liveness: { nicsDownSince: NOW - 1 } }, { eth1: 'DOWN' }, 'Up', [], NOW - 1],
    ['well', {}, { eth1: 'UP' }, 'Up', [], null],
    ['well again', { liveness: { nicsDownSince: 1 } }, { eth1: 'UP' }, 'Up', ['nics-well'], null],
    ['down, the host NonOperational', {}, { eth1: 'DOWN' }, 'NonOperational', [], null],
    ['well, the host NonOperational', { liveness: { nicsDownSince: 1 } }, { eth1: 'UP' }, 'NonOperational', [], 1],
  ])('%s: since when it has been down', (_, more, now, status, rules, since) => {
    const h = { ...eth1, dynamic: { ...eth1.dynamic, status } };
    const { effects, draft } = judge(now, { ...more, usage: usageOf(now) }, h);
    expect(effects.filter((name) => /nic-first|nics-well/.test(name))).toEqual(
      rules.map((name) => `host.stats.${name}`),
    );
    expect(draft.liveness.nicsDownSince).toBe(since);
  });

  it('has a new grace after it was up once', () => {
    const verdict = judge({ eth1: 'UP' }, { liveness: { nicsDownSince: 0 }, usage: usageOf({ eth1: 'UP' }) });
    expect(verdict.draft.liveness.nicsDownSince).toBeNull();
    expect(verdict.effects).toContain('host.stats.nics-well');
  });

  it('is no matter while the host is not Up, or its cluster’s networks are not known', () => {
    const leaving = { ...eth1, dynamic: { ...eth1.dynamic, status: 'NonOperational' as const } };
    expect(judge({ eth1: 'DOWN' }, { liveness: { nicsDownSince: 0 } }, leaving).draft.liveness.nicsDownSince).toBe(0);
    expect(judge({ eth1: 'DOWN' }, { liveness: { nicsDownSince: 0 } }, eth1, []).draft.dynamic.status).toBe('Up');
  });
});

describe('changes of state', () => {
  const bond = host('h1', 'Up', { interfaces: [nic('bond0', { network: 'req' }), nic('eth0', { bondName: 'bond0' })] });
  const vlan = host('h1', 'Up', {
    interfaces: [nic('eth0'), nic('eth0.5', { network: 'req', vlanId: 5, baseInterface: 'eth0' })],
  });

  it.each<
    [string, ReturnType<typeof host>, Record<string, InterfaceStatus>, Record<string, InterfaceStatus>, object[]]
  >([
    [
      'down',
      eth1,
      { eth1: 'UP' },
      { eth1: 'DOWN' },
      [{ name: 'HOST_INTERFACE_STATE_DOWN', params: { InterfaceName: 'eth1' }, customId: 'eth1' }],
    ],
    [
      'up',
      eth1,
      { eth1: 'DOWN' },
      { eth1: 'UP' },
      [{ name: 'HOST_INTERFACE_STATE_UP', params: { InterfaceName: 'eth1' }, customId: 'eth1' }],
    ],
    ['not known before', eth1, {}, { eth1: 'DOWN' }, []],
    ['without a state before', eth1, { eth1: 'NONE' }, { eth1: 'DOWN' }, []],
    ['the same', eth1, { eth1: 'UP' }, { eth1: 'UP' }, []],
    ['no network', host('h1', 'Up', { interfaces: [nic('eth9')] }), { eth9: 'UP' }, { eth9: 'DOWN' }, []],
    ['not reported any more', eth1, { eth1: 'UP' }, {}, []],
    [
      'slave of a bond without a network',
      host('h1', 'Up', { interfaces: [nic('bond9'), nic('eth9', { bondName: 'bond9' })] }),
      { bond9: 'UP', eth9: 'UP' },
      { bond9: 'DOWN', eth9: 'DOWN' },
      [],
    ],
    [
      'slave of a bond with a network',
      bond,
      { bond0: 'UP', eth0: 'DOWN' },
      { bond0: 'UP', eth0: 'UP' },
      [{ name: 'HOST_BOND_SLAVE_STATE_UP', params: { SlaveName: 'eth0', BondName: 'bond0' }, customId: 'eth0' }],
    ],
    [
      'base of a vlan, not the vlan',
      vlan,
      { eth0: 'UP', 'eth0.5': 'UP' },
      { eth0: 'DOWN', 'eth0.5': 'DOWN' },
      [{ name: 'HOST_INTERFACE_STATE_DOWN', params: { InterfaceName: 'eth0' }, customId: 'eth0' }],
    ],
  ])('%s', (_, h, before, now, events) => {
    expect(judge(now, { usage: usageOf(before) }, h).draft.events).toEqual(events);
  });

  it('are told of Up hosts only', () => {
    const h = { ...eth1, dynamic: { ...eth1.dynamic, status: 'PreparingForMaintenance' as const } };
    expect(judge({ eth1: 'DOWN' }, { usage: usageOf({ eth1: 'UP' }), vms: [vm()] }, h).draft.events).toEqual([]);
  });
});
