import {
  notMonitored,
  upOrLeaving,
  type VdsHardwareReport,
  type VdsInterface,
  type VdsStatus,
} from '../../model/index.js';
import type { Row } from '../row.js';
import { keepEqual } from '../vm/statistics.js';
import { firstBroken, flagsOf } from './capability-checks.js';
import type { CapabilitiesCase, HostCase } from './case.js';
import type { HostDraft } from './draft.js';

type CapabilitiesRow = Row<CapabilitiesCase, HostDraft>;

const status = (c: HostCase): VdsStatus => c.host.dynamic.status;
const making = (c: HostCase): boolean => !upOrLeaving.has(status(c)) && !notMonitored.has(status(c));

const breaks = (c: CapabilitiesCase): boolean => !notMonitored.has(status(c)) && firstBroken(c) !== null;

/** Capabilities were answered (§2.4). Exactly one row matches. */
export const capabilitiesTransitions: readonly CapabilitiesRow[] = [
  {
    name: 'host.capabilities.non-operational',
    doc: 'The host breaks a rule of its cluster: NonOperational, for the first reason in the order of the checks. Its VMs are to be moved away as the cluster says.',
    when: breaks,
    then: (c, draft) => {
      const found = firstBroken(c);
      if (found === null) return;
      const { reason, event, params, more } = found.broken;
      draft.live({ readyForUp: false, recoveringSince: null });
      if (status(c) === 'NonOperational' && c.host.dynamic.nonOperationalReason === reason) return;
      draft.nonOperational(reason);
      draft.event(event, params);
      for (const extra of more ?? []) draft.event(extra.name, extra.params);
    },
  },
  {
    name: 'host.capabilities.contact',
    doc: 'Contact is made and no rule is broken: one good answer with statistics, and the host is Up.',
    when: (c) => making(c) && !breaks(c),
    then: (c, draft) => {
      draft.live({ readyForUp: true });
      draft.request('Host.getStats', 'host.capabilities.contact');
      if (status(c) === 'Initializing') draft.live({ recoveringSince: null });
    },
  },
  {
    name: 'host.capabilities.refresh',
    doc: 'Capabilities of a host that is monitored already (or not at all): taken over, the status stays.',
    when: (c) => !making(c) && !breaks(c),
    then: () => undefined,
  },
];

const firstRefresh = (c: CapabilitiesCase): boolean => !c.liveness.capabilitiesRead;

/** What follows of capabilities beside the transition. */
export const capabilitiesEffects: readonly CapabilitiesRow[] = [
  {
    name: 'host.detected',
    doc: 'Contact was made, or the host was seen for the first time since the start, and it is not Up: people are told what it is instead (§2.3, step R).',
    when: (c) =>
      !notMonitored.has(status(c)) && (making(c) ? breaks(c) : firstRefresh(c) && (status(c) !== 'Up' || breaks(c))),
    then: (_, draft) => draft.event('VDS_DETECTED', { HostStatus: draft.dynamic.status }),
  },
  {
    name: 'host.cpu-flags-missing',
    doc: 'The host, seen for the first time since the start, does not tell its CPU flags: whether its CPU fits the cluster cannot be judged (§2.4.1). Its status stays out of it.',
    when: (c) => !notMonitored.has(status(c)) && firstRefresh(c) && flagsOf(c) === null,
    then: (_, draft) => draft.event('VDS_CPU_RETRIEVE_FAILED'),
  },
  {
    name: 'host.display-moved',
    doc: 'The display network has another address on the host while VMs run there: their open consoles are cut off (§2.4 row 4).',
    when: (c) => !notMonitored.has(status(c)) && c.host.dynamic.vmActive > 0 && movedDisplays(c).length > 0,
    then: (c, draft) =>
      draft.event('NETWORK_UPDATE_DISPLAY_FOR_HOST_WITH_ACTIVE_VM', { Networks: movedDisplays(c).join(', ') }),
  },
];

/** Networks that VMs' displays are reached by, whose address on the host is another one than before. */
function movedDisplays(c: CapabilitiesCase): string[] {
  const addressIn = (nics: readonly Omit<VdsInterface, 'hostId'>[], network: string): string | null =>
    nics.find((nic) => nic.network === network)?.ipv4Address ?? null;
  return [...c.networks.values()]
    .filter(({ display, name }) => {
      const before = addressIn(c.host.interfaces, name);
      return display && before !== null && before !== addressIn(c.report.interfaces, name);
    })
    .map(({ name }) => name)
    .sort();
}

/** Takes the reported capabilities over. */
export function takeCapabilities(c: CapabilitiesCase, draft: HostDraft): void {
  draft.set(c.report.dynamic);
  const interfaces: VdsInterface[] = c.report.interfaces.map((nic) => ({ hostId: c.host.id, ...nic }));
  draft.interfaces = keepEqual(draft.interfaces, interfaces);
  draft.live({ capabilitiesRead: true });
}

export function takeHardware(report: VdsHardwareReport, draft: HostDraft): void {
  draft.set(report.dynamic);
}
