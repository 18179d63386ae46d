import { type EventName, formatMessage } from '../../events/index.js';
import type { VdsStatus } from '../../model/index.js';
import type { Row } from '../row.js';
import type { HostCase } from './case.js';
import type { HostDraft } from './draft.js';

type FencingRow = Row<HostCase, HostDraft>;

const DEFAULT_BROKEN_PERCENT = 50;
/** Value of kdump_status that means "enabled". */
const KDUMP_ENABLED = 1;
const silent: ReadonlySet<VdsStatus> = new Set<VdsStatus>(['Connecting', 'NonResponsive']);
/** Hosts in these statuses may be fenced (oVirt VDS.shouldVdsBeFenced, §1.1). */
export const fenceable: ReadonlySet<VdsStatus> = new Set<VdsStatus>([
  'Down',
  'InstallFailed',
  'Maintenance',
  'NonOperational',
  'NonResponsive',
  'Kdumping',
]);

const inFlow = (c: HostCase): boolean => c.host.dynamic.inFenceFlow;
const tooSoon = (c: HostCase): boolean => c.now < c.startedAt + c.general.fencing.startupDelaySeconds * 1000;
/** What is not known of the cluster's policy does not forbid fencing. */
const off = (c: HostCase): boolean => c.cluster?.fencingEnabled === false;

/** Share of the cluster's hosts that are silent; the one that is being lost is one of them. */
function silentPercent(c: HostCase): number {
  let all = 0;
  let others = 0;
  for (const status of c.clusterStatuses()) {
    all += 1;
    if (silent.has(status)) others += 1;
  }
  const broken = silent.has(c.host.dynamic.status) ? others : others + 1;
  return Math.trunc((100 * broken) / Math.max(all, 1));
}

const connectivityBroken = (c: HostCase): boolean =>
  c.cluster?.skipFencingIfConnectivityBroken === true &&
  silentPercent(c) >= (c.cluster.hostsWithBrokenConnectivityThreshold ?? DEFAULT_BROKEN_PERCENT);

/** Beside an engine it is the engine that fences and says why not: people would not know whom to believe. */
function alert(c: HostCase, draft: HostDraft, name: EventName, params: Readonly<Record<string, string>> = {}): void {
  if (c.general.mode === 'manager') draft.event(name, params);
  else draft.skip('fence', formatMessage(name, params));
}

/** What is left of the chain for whoever fences, in order (§3.4, steps 6 to 11). */
function stepsOf(c: HostCase): string[] {
  const { pmEnabled } = c.host.static;
  if (!pmEnabled) return ['restartAgent'];
  const kdump = c.host.dynamic.kdumpStatus === KDUMP_ENABLED ? ['waitForKdump'] : [];
  return ['restartAgent', ...kdump, 'checkExternalStatus', 'waitForStorageLease', 'restartHost'];
}

/**
 * A host is lost: the first steps of the fencing chain (oVirt VdsNotRespondingTreatment, §3.4), which decide whether
 * anything is to be done to it at all. Exactly one row matches. Step 5 (is it still fenceable?) is its doer's: here the
 * host has become NonResponsive in this very decision.
 */
export const fencingTransitions: readonly FencingRow[] = [
  {
    name: 'fence.in-flow',
    doc: 'The host is being fenced already.',
    when: inFlow,
    then: (_, draft) => draft.skip('fence', 'the host is being fenced already'),
  },
  {
    name: 'fence.service-starting',
    doc: 'Within fencing.startupDelaySeconds of our own start nothing is fenced: it may be we who were away.',
    when: (c) => !inFlow(c) && tooSoon(c),
    then: (c, draft) =>
      alert(c, draft, 'VDS_ALERT_FENCE_OPERATION_SKIPPED', {
        Reason: `the service has run for less than ${c.general.fencing.startupDelaySeconds}s`,
      }),
  },
  {
    name: 'fence.cluster-off',
    doc: 'Fencing is off in its cluster.',
    when: (c) => !inFlow(c) && !tooSoon(c) && off(c),
    then: (c, draft) => alert(c, draft, 'VDS_ALERT_FENCE_DISABLED_BY_CLUSTER_POLICY'),
  },
  {
    name: 'fence.connectivity-broken',
    doc: 'So many hosts of the cluster are silent that the network is more likely to blame than each of them.',
    when: (c) => !inFlow(c) && !tooSoon(c) && !off(c) && connectivityBroken(c),
    then: (c, draft) =>
      alert(c, draft, 'VDS_ALERT_FENCE_OPERATION_SKIPPED_BROKEN_CONNECTIVITY', { Percents: String(silentPercent(c)) }),
  },
  {
    name: 'fence.advise',
    doc: 'Nothing speaks against it: the host application is asked to fence the host, by the steps that are named.',
    when: (c) => !inFlow(c) && !tooSoon(c) && !off(c) && !connectivityBroken(c),
    then: (c, draft) => {
      draft.set({ inFenceFlow: true });
      draft.intent('fence', {
        silentSince: c.liveness.lastAnswerAt,
        attempts: c.liveness.attempts + 1,
        pmEnabled: c.host.static.pmEnabled,
        spmStatus: c.host.static.spmStatus,
        steps: stepsOf(c),
      });
    },
  },
];
