import { notMonitored, upOrLeaving, type VdsStatus } from '../../model/index.js';
import type { Row } from '../row.js';
import type { HostDraft } from './draft.js';
import { canEnterMaintenance, maintenanceRetryAt } from './maintenance.js';
import { nicsWithNetworks } from './nics.js';
import type { StatsCase } from './statistics.js';

type StatsRow = Row<StatsCase, HostDraft>;

const status = (c: StatsCase): VdsStatus => c.host.dynamic.status;
const becomesUp = (c: StatsCase): boolean =>
  c.liveness.readyForUp && !upOrLeaving.has(status(c)) && !notMonitored.has(status(c));
const nicDownTooLong = (c: StatsCase): boolean =>
  status(c) === 'Up' &&
  c.nicsDown.size > 0 &&
  c.liveness.nicsDownSince !== null &&
  c.now >= c.liveness.nicsDownSince + c.general.thresholds.nicDownGraceSeconds * 1000;
const leaves = (c: StatsCase): boolean => status(c) === 'PreparingForMaintenance';
const isEmpty = (c: StatsCase): boolean => canEnterMaintenance(c, c.report.dynamic.vmCount ?? 0);
const retryIsDue = (c: StatsCase): boolean => c.now > maintenanceRetryAt(c);

/** Statistics were answered (§2.4 end, §2.5, §2.6). Exactly one row matches. */
export const statsTransitions: readonly StatsRow[] = [
  {
    name: 'host.up',
    doc: 'Capabilities broke no rule and statistics are answered: the host is Up (§3.6; no hysteresis). What is to be done to a host that has come up is the host application’s (§2.10).',
    when: becomesUp,
    then: (_, draft) => {
      draft.status('Up');
      draft.live({ readyForUp: false, recoveringSince: null, rebootUntil: null, nicsDownSince: null });
      draft.signal('cancelRecoveryTimer');
      draft.intent('initVdsOnUp', {});
      draft.event('VDS_DETECTED', { HostStatus: 'Up' });
      // Its VMs are stale since contact was lost; there is no reason to wait for the next statistics tick.
      draft.request('Host.getAllVmStats', 'host.up');
    },
  },
  {
    name: 'host.nic-down',
    doc: 'A nic that carries a required network has been down for thresholds.nicDownGraceSeconds: NonOperational.',
    when: nicDownTooLong,
    then: (c, draft) => {
      const NicsWithNetworks = nicsWithNetworks(c.nicsDown);
      draft.live({ nicsDownSince: null });
      draft.nonOperational('NETWORK_INTERFACE_IS_DOWN');
      draft.event('VDS_SET_NONOPERATIONAL_IFACE_DOWN', { NicsWithNetworks }, NicsWithNetworks);
    },
  },
  {
    name: 'host.maintenance.entered',
    doc: 'The host was to be emptied, and nothing runs or is transferred on it any more: Maintenance. It may be disconnected from storage.',
    when: (c) => leaves(c) && isEmpty(c),
    then: (_, draft) => {
      draft.status('Maintenance');
      draft.live({ maintenanceRetryAt: null });
      draft.intent('disconnectStoragePool', {});
    },
  },
  {
    name: 'host.maintenance.retry',
    doc: 'Something still runs on the host maintenance.retrySeconds after it was last asked to let its VMs go: it is asked again.',
    when: (c) => leaves(c) && !isEmpty(c) && retryIsDue(c),
    then: (c, draft) => {
      const retryMs = c.general.maintenance.retrySeconds * 1000;
      draft.live({ maintenanceRetryAt: c.now + retryMs });
      const attempt = Math.trunc((c.now - (c.host.dynamic.statusSince ?? 0)) / retryMs);
      draft.intent('maintenanceNumberOfVdss', { vms: [...c.vms()].map((vm) => vm.id).sort() }, attempt);
    },
  },
  {
    name: 'host.maintenance.waits',
    doc: 'The host is being emptied.',
    when: (c) => leaves(c) && !isEmpty(c) && !retryIsDue(c),
    then: (_, draft) => draft.skip('Maintenance', 'VMs or image transfers still run on the host'),
  },
  {
    name: 'host.statistics',
    doc: 'Statistics of a monitored host: its figures are taken over.',
    when: (c) => !becomesUp(c) && !nicDownTooLong(c) && !leaves(c),
    then: () => undefined,
  },
];
