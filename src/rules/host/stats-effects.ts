import { notMonitored, sameValue } from '../../model/index.js';
import type { Row } from '../row.js';
import { takeCommitment } from './commitment.js';
import type { HostDraft } from './draft.js';
import { nicChanges } from './nics.js';
import { type StatsCase, stateIn } from './statistics.js';

type StatsRow = Row<StatsCase, HostDraft>;

const monitored = (c: StatsCase): boolean => !notMonitored.has(c.host.dynamic.status);
const isUp = (c: StatsCase): boolean => c.host.dynamic.status === 'Up';

/** Seconds between the host's clock and ours, whole; null: the agent did not say its time. */
function driftSeconds(c: StatsCase): number | null {
  const { agentTime } = c.report;
  return agentTime === null ? null : Math.trunc(Math.abs(agentTime - c.stamp.receivedAt) / 1000);
}
const drifts = (c: StatsCase): boolean => {
  const limit = c.general.thresholds.timeDriftSeconds;
  return limit > 0 && (driftSeconds(c) ?? 0) > limit;
};

/** Devices of the multipath report by their number of valid paths; null: there is none, or it says nothing new. */
function newMultipath(c: StatsCase): readonly [device: string, validPaths: number][] | null {
  const { multipath } = c.report;
  if (multipath === null || sameValue(multipath, c.usage?.statistics.multipathHealth ?? null)) return null;
  return Object.entries(multipath);
}
const devices = (c: StatsCase, which: (validPaths: number) => boolean): string[] =>
  (newMultipath(c) ?? []).filter(([, paths]) => which(paths)).map(([device]) => device);
const dead = (paths: number): boolean => paths <= 0;
const alive = (paths: number): boolean => paths > 0;

/** Paths by how much is free: at or below `critical`, or at or below `low`. */
function disks(c: StatsCase, which: 'low' | 'critical'): string[] {
  const { diskLowMiB, diskCriticalMiB } = c.general.thresholds;
  return Object.entries(c.report.diskFreeMb ?? {})
    .filter(([, free]) => {
      if (free === null) return false;
      return which === 'critical' ? free <= diskCriticalMiB : free > diskCriticalMiB && free <= diskLowMiB;
    })
    .map(([path]) => path);
}

const mpath = (guids: readonly string[]) => ({ MpathGuids: guids.join(', ') });
const diskParams = (limit: number, paths: readonly string[]) => ({
  DiskSpace: String(limit),
  Threshold: String(limit),
  Disks: paths.join(', '),
});

/** What a good answer of Host.getStats says beside its figures, in this order (§2.5); each that matches applies. */
export const statsEffects: readonly StatsRow[] = [
  {
    name: 'host.stats.time-drift',
    doc: 'The host’s clock differs from ours by more than thresholds.timeDriftSeconds; 0 turns it off.',
    when: (c) => monitored(c) && drifts(c),
    then: (c, draft) => {
      const Max = String(c.general.thresholds.timeDriftSeconds);
      draft.event('VDS_TIME_DRIFT_ALERT', { Actual: String(driftSeconds(c)), Max, Threshold: Max });
    },
  },
  {
    name: 'host.stats.multipath.well',
    doc: 'The multipath report has changed, and lists no device: all paths are well.',
    when: (c) => monitored(c) && newMultipath(c)?.length === 0,
    then: (_, draft) => draft.event('NO_FAULTY_MULTIPATHS_ON_HOST'),
  },
  {
    name: 'host.stats.multipath.dead',
    doc: 'The multipath report has changed, and lists devices without a valid path.',
    when: (c) => monitored(c) && devices(c, dead).length > 0,
    then: (c, draft) => draft.event('MULTIPATH_DEVICES_WITHOUT_VALID_PATHS_ON_HOST', mpath(devices(c, dead))),
  },
  {
    name: 'host.stats.multipath.faulty',
    doc: 'The multipath report has changed, and lists devices of which some paths have failed.',
    when: (c) => monitored(c) && devices(c, alive).length > 0,
    then: (c, draft) => draft.event('FAULTY_MULTIPATHS_ON_HOST', mpath(devices(c, alive))),
  },
  {
    name: 'host.stats.disk-low',
    doc: 'Local disks have little space left: at most thresholds.diskLowMiB, but more than thresholds.diskCriticalMiB (D5).',
    when: (c) => monitored(c) && disks(c, 'low').length > 0,
    then: (c, draft) => draft.event('VDS_LOW_DISK_SPACE', diskParams(c.general.thresholds.diskLowMiB, disks(c, 'low'))),
  },
  {
    name: 'host.stats.disk-critical',
    doc: 'Local disks have at most thresholds.diskCriticalMiB left.',
    when: (c) => monitored(c) && disks(c, 'critical').length > 0,
    then: (c, draft) =>
      draft.event('VDS_LOW_DISK_SPACE_ERROR', diskParams(c.general.thresholds.diskCriticalMiB, disks(c, 'critical'))),
  },
  {
    name: 'host.stats.nic-changed',
    doc: 'Monitored nics of an Up host have gone up or down since its last report.',
    when: isUp,
    then: (c, draft) => {
      for (const { nic, up } of nicChanges(c.host.interfaces, stateIn(c.usage), stateIn(c.next))) {
        if (nic.bondName !== null) {
          const params = { SlaveName: nic.name, BondName: nic.bondName };
          draft.event(up ? 'HOST_BOND_SLAVE_STATE_UP' : 'HOST_BOND_SLAVE_STATE_DOWN', params, nic.name);
        } else {
          draft.event(
            up ? 'HOST_INTERFACE_STATE_UP' : 'HOST_INTERFACE_STATE_DOWN',
            { InterfaceName: nic.name },
            nic.name,
          );
        }
      }
    },
  },
  {
    name: 'host.stats.nic-first-down',
    doc: 'A nic of an Up host that carries a required network is seen down for the first time: it has its grace.',
    when: (c) => isUp(c) && c.nicsDown.size > 0 && c.liveness.nicsDownSince === null,
    then: (c, draft) => {
      draft.live({ nicsDownSince: c.now });
      draft.skip('NonOperational', `nics are down within their grace: ${[...c.nicsDown.keys()].join(', ')}`);
    },
  },
  {
    name: 'host.stats.nics-well',
    doc: 'No nic with a required network is down any more.',
    when: (c) => isUp(c) && c.nicsDown.size === 0 && c.liveness.nicsDownSince !== null,
    then: (_, draft) => draft.live({ nicsDownSince: null }),
  },
];

/** What follows at the end of the cycle, after the transition. */
export const commitmentEffect: StatsRow = {
  name: 'host.stats.commitment',
  doc: 'Memory and CPUs that the host’s VMs may claim are added up again (§2.7); equal sums write nothing.',
  when: monitored,
  then: takeCommitment,
};
