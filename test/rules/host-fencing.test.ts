import { describe, expect, it } from 'vitest';
import type { Vds, VdsStatus } from '../../src/model/index.js';
import { fencingTransitions } from '../../src/rules/host/fencing.js';
import { decideHost, type HostVerdict } from '../../src/rules/index.js';
import { host } from '../support/entities.js';
import { cluster, failure, type HostCaseMore, hostCase, NOW } from '../support/host-case.js';

/** A host that is lost by this failure. */
const lose = (more: HostCaseMore = {}, h: Vds = host('h1', 'Connecting')): HostVerdict =>
  decideHost(hostCase(h, { liveness: { attempts: 2, lastAnswerAt: NOW - 61_000 }, ...more }), failure());

/** What is done, said to people, and not done. */
const chain = ({ draft }: HostVerdict) => [
  draft.intents.map(({ intent }) => intent),
  draft.events.filter(({ name }) => name !== 'VDS_FAILURE').map(({ name, params }) => ({ name, ...params })),
  draft.notDone,
  draft.dynamic.inFenceFlow,
];
const fenced = [['fence'], [], [], true];
const alerted = (name: string, params: object = {}) => [[], [{ name, ...params }], [], false];
const SKIPPED = 'VDS_ALERT_FENCE_OPERATION_SKIPPED';
const BROKEN = `${SKIPPED}_BROKEN_CONNECTIVITY`;
const tooSoon = alerted(SKIPPED, { Reason: 'the service has run for less than 300s' });
const byPolicy = alerted('VDS_ALERT_FENCE_DISABLED_BY_CLUSTER_POLICY');
const brokenAt = (percent: number) => alerted(BROKEN, { Percents: String(percent) });

const off = cluster({ fencingEnabled: false });
const inFlow = host('h1', 'Connecting', { inFenceFlow: true });
const careful = (threshold: number | null, ...others: VdsStatus[]): HostCaseMore => ({
  cluster: cluster({ skipFencingIfConnectivityBroken: true, hostsWithBrokenConnectivityThreshold: threshold }),
  clusterStatuses: () => ['Connecting', ...others],
});

describe('the first steps of fencing (§3.4)', () => {
  it.each<[string, HostCaseMore, Vds | undefined, unknown[]]>([
    ['nothing is known that speaks against it', {}, undefined, fenced],
    ['fencing is on in its cluster', { cluster: cluster({ fencingEnabled: true }) }, undefined, fenced],
    [
      'it is being fenced already, whatever else',
      { startedAt: NOW, cluster: off },
      inFlow,
      [[], [], [{ what: 'fence', why: 'the host is being fenced already' }], true],
    ],
    ['just started', { startedAt: NOW }, undefined, tooSoon],
    ['299.999 s after our start', { startedAt: NOW - 299_999 }, undefined, tooSoon],
    ['300 s after our start', { startedAt: NOW - 300_000 }, undefined, fenced],
    ['our start before the cluster’s policy', { startedAt: NOW, cluster: off }, undefined, tooSoon],
    ['our start before the others’ silence', { ...careful(1), startedAt: NOW }, undefined, tooSoon],
    ['off in its cluster', { cluster: off }, undefined, byPolicy],
    [
      'off in its cluster, before the others’ silence',
      {
        ...careful(1),
        cluster: cluster({
          ...{ fencingEnabled: false, skipFencingIfConnectivityBroken: true },
          hostsWithBrokenConnectivityThreshold: 1,
        }),
      },
      undefined,
      byPolicy,
    ],
    ['half of its cluster is silent', careful(null, 'Connecting', 'Up', 'Up'), undefined, brokenAt(50)],
    ['less than half of it is', careful(null, 'Up', 'Up'), undefined, fenced],
    ['as many as its cluster says', careful(66, 'NonResponsive', 'Up'), undefined, brokenAt(66)],
    ['fewer than its cluster says', careful(67, 'NonResponsive', 'Up'), undefined, fenced],
    ['it is the only one', careful(null), undefined, brokenAt(100)],
    [
      'the share is not asked for',
      { ...careful(1, 'Connecting'), cluster: cluster({ skipFencingIfConnectivityBroken: false }) },
      undefined,
      fenced,
    ],
  ])('%s', (_, more, h, expected) => {
    expect(chain(lose(more, h))).toEqual(expected);
  });

  it('count the host that is being lost among the silent, though it was heard until now', () => {
    const more = { ...careful(50), clusterStatuses: (): VdsStatus[] => ['Initializing', 'Up', 'Up', 'Connecting'] };
    expect(chain(lose(more, host('h1', 'Initializing')))).toEqual(brokenAt(50));
  });

  it('tell nobody beside an engine, which fences itself and says so', () => {
    const { draft } = lose({ general: { mode: 'observer' }, startedAt: NOW });
    expect(draft.events.map(({ name }) => name)).toEqual(['VDS_FAILURE']);
    expect(draft.notDone).toEqual([
      { what: 'fence', why: 'lost, and not fenced: the service has run for less than 300s' },
    ]);
  });

  it.each<[string, object, string[]]>([
    ['without power management', {}, ['restartAgent']],
    ['without power management, whatever kdump', { kdumpStatus: 1 }, ['restartAgent']],
    [
      'with power management',
      { static: { pmEnabled: true } },
      ['restartAgent', 'checkExternalStatus', 'waitForStorageLease', 'restartHost'],
    ],
    [
      'with power management and kdump',
      { static: { pmEnabled: true }, kdumpStatus: 1 },
      ['restartAgent', 'waitForKdump', 'checkExternalStatus', 'waitForStorageLease', 'restartHost'],
    ],
    [
      'with power management, kdump off',
      { static: { pmEnabled: true }, kdumpStatus: 0 },
      ['restartAgent', 'checkExternalStatus', 'waitForStorageLease', 'restartHost'],
    ],
  ])('name what is left to do: %s', (_, facts: Parameters<typeof host>[2], steps) => {
    expect(lose({}, host('h1', 'Connecting', facts)).draft.intents[0]?.evidence).toEqual({
      ...{ silentSince: NOW - 61_000, attempts: 3, spmStatus: 'None', steps },
      pmEnabled: facts?.static?.pmEnabled === true,
    });
  });

  it('meet exactly one row', () => {
    for (const h of [inFlow, host('h1', 'Connecting')])
      for (const startedAt of [NOW, 0])
        for (const fencingEnabled of [true, false])
          for (const skipFencingIfConnectivityBroken of [true, false]) {
            const c = hostCase(h, { startedAt, cluster: cluster({ fencingEnabled, skipFencingIfConnectivityBroken }) });
            expect(fencingTransitions.filter((row) => row.when(c)).map(({ name }) => name)).toHaveLength(1);
          }
  });
});

describe('what is said of a failure that changes nothing', () => {
  const notDone = (status: VdsStatus, liveness: HostCaseMore['liveness']) =>
    decideHost(hostCase(host('h1', status), { liveness: { ...liveness } }), failure()).draft.notDone;

  it.each<[VdsStatus, HostCaseMore['liveness'], object[]]>([
    ['Maintenance', {}, [{ what: 'Connecting', why: 'the host is Maintenance: a failure says nothing new' }]],
    ['Connecting', { rebootUntil: NOW + 1 }, [{ what: 'NonResponsive', why: 'the host is being rebooted' }]],
    [
      'Connecting',
      { attempts: 1, lastAnswerAt: NOW },
      [{ what: 'NonResponsive', why: 'in grace: attempt 2, lost after 60s of silence' }],
    ],
  ])('%s', (status, liveness, expected) => {
    expect(notDone(status, liveness)).toEqual(expected);
  });
});
