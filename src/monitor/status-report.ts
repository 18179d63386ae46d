import type { CommitterState } from '../events/index.js';
import { notMonitored, upOrLeaving, type VdsStatus, type VmStatus, vdsStatusIds, vmStatusIds } from '../model/index.js';
import type { HostSets } from '../repository/index.js';
import type { MonitorProgress, MonitorStatus, ReadinessLevel } from './api.js';
import { attention, type CertificateFacts } from './attention.js';
import { databaseReport, serviceTroubles } from './database-report.js';
import { rulesOff } from './rules-off.js';
import { VERSION } from './version.js';
import type { ViewContext } from './views.js';

export interface StatusSources {
  readonly mode: 'observer' | 'manager';
  readonly view: ViewContext;
  readonly startedAt: number;
  readonly readiness: ReadinessLevel;
  readonly cursor: string;
  readonly eventsLastHour: MonitorStatus['eventsLastHour'];
  readonly polls: MonitorStatus['polls'];
  readonly pushes: MonitorStatus['pushes'];
  readonly certificates: CertificateFacts;
  readonly troubles: MonitorStatus['attention'];
  readonly storeKind: 'postgres' | 'memory';
  readonly committer: CommitterState;
  readonly log: MonitorStatus['log'];
  readonly backfill: MonitorStatus['backfill'];
}

export type ProgressSources = Pick<
  StatusSources,
  'view' | 'startedAt' | 'readiness' | 'cursor' | 'committer' | 'backfill'
>;

/** Every answer of the API bears it: it may not look at VMs one by one. */
export function progressReport(sources: ProgressSources): MonitorProgress {
  const { view, committer, readiness } = sources;
  const away = committer.failingSince !== null || (committer.journal !== null && committer.journal.mode !== 'idle');
  const degraded = away || committer.setAside.length > 0;
  return {
    readiness: away && readiness === 'synced' ? 'serving' : readiness,
    condition: conditionOf(sources, degraded),
    remaining: remainingOf(sources, away),
    startedAt: sources.startedAt,
    now: view.now(),
    cursor: sources.cursor,
  };
}

export function statusReport(sources: StatusSources): MonitorStatus {
  const { view, committer } = sources;
  return {
    version: VERSION,
    mode: sources.mode,
    ...progressReport(sources),
    hosts: { total: view.sets.hosts.size, byStatus: hostsByStatus(view) },
    vms: { total: view.sets.vms.size, byStatus: vmsByStatus(view), ...vmFreshness(view) },
    eventsLastHour: sources.eventsLastHour,
    attention: [
      ...serviceTroubles(committer, view.now()),
      ...attention(view, sources.certificates),
      ...sources.troubles,
    ],
    polls: sources.polls,
    pushes: sources.pushes,
    database: databaseReport(sources.storeKind, committer),
    log: sources.log,
    backfill: sources.backfill,
    rulesOff: rulesOff(view.sets, view.inventory),
  };
}

function conditionOf({ readiness, backfill }: ProgressSources, degraded: boolean): MonitorStatus['condition'] {
  if (degraded) return 'degraded';
  if (readiness === 'loading') return 'loading';
  return backfill === null ? 'ready' : 'backfilling';
}

/** What stands between now and *ready*, in the unit of what holds it up. */
function remainingOf({ readiness, backfill, committer, view }: ProgressSources, away: boolean): number | null {
  if (readiness === 'loading') return null;
  if (away) return committer.waitingRecords;
  if (committer.setAside.length > 0) return committer.setAside.length;
  if (backfill !== null) return backfill.total - backfill.done;
  return readiness === 'synced' ? 0 : notYetHeard(view.sets);
}

function hostsByStatus({ sets }: ViewContext): Partial<Record<VdsStatus, number>> {
  return counted(Object.keys(vdsStatusIds) as VdsStatus[], (status) => sets.hostsThatAre(status));
}

function vmsByStatus({ sets }: ViewContext): Partial<Record<VmStatus, number>> {
  return counted(Object.keys(vmStatusIds) as VmStatus[], (status) => sets.vmsThatAre(status));
}

function counted<S extends string>(all: readonly S[], count: (status: S) => number): Partial<Record<S, number>> {
  return Object.fromEntries(all.map((status) => [status, count(status)]).filter(([, n]) => n !== 0)) as Partial<
    Record<S, number>
  >;
}

/** Hosts with VMs that are not live, those with most of them first. */
const MOST_NOT_LIVE = 5;

function vmFreshness({
  sets,
  now,
}: ViewContext): Pick<MonitorStatus['vms'], 'byFreshness' | 'oldestLiveSeconds' | 'notLive'> {
  const at = now();
  const { live, stale, unknown, oldestLiveAt, notLive } = sets.freshnessCounts(at);
  return {
    byFreshness: { live, stale, unknown },
    oldestLiveSeconds: oldestLiveAt === null ? null : Math.round((at - oldestLiveAt) / 1000),
    notLive: [...notLive]
      .sort(([, a], [, b]) => b - a)
      .slice(0, MOST_NOT_LIVE)
      .map(([hostId, vms]) => ({ hostId, host: sets.hosts.get(hostId)?.static.name ?? hostId, vms })),
  };
}

/** Every monitored host has answered this process, or has had its chance and did not. */
export function isSynced(sets: HostSets): boolean {
  return awaited(sets).next().done === true;
}

/** Monitored hosts that are still waited for. */
function notYetHeard(sets: HostSets): number {
  return [...awaited(sets)].length;
}

function* awaited(sets: HostSets): Generator<string> {
  for (const id of sets.hosts.ids()) {
    const host = sets.hosts.get(id);
    const liveness = sets.hosts.liveness(id);
    if (host === undefined || liveness === undefined || notMonitored.has(host.dynamic.status)) continue;
    const silent = liveness.heardAt === null && liveness.attempts === 0;
    const vmsMissing =
      liveness.heardAt !== null &&
      upOrLeaving.has(host.dynamic.status) &&
      !liveness.initialized &&
      liveness.vmStatsFailingSince === null;
    const arriving = liveness.heardAt !== null && host.dynamic.status === 'Unassigned';
    if (silent || vmsMissing || arriving) yield id;
  }
}
