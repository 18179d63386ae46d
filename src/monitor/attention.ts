import { catalogue } from '../events/index.js';
import { notMonitored, pauseIsError, type Vds, type Vm } from '../model/index.js';
import { daysLeft, graceSeconds } from '../rules/index.js';
import type { MonitorStatus } from './api.js';
import { duration } from './duration.js';
import type { ViewContext } from './views.js';

type Item = MonitorStatus['attention'][number];

/** What is known of certificates beside those of the hosts. */
export interface CertificateFacts {
  readonly warnDays: number;
  /** Of our own one; null: not known. */
  readonly ownExpiresAt: number | null;
}

/** VMs told one by one of each kind of trouble; of more the number is told. */
const MOST_VMS = 500;

/** Ranked: what is lost first, then what is broken, then what may become so; the longest first among equals. */
export function attention(context: ViewContext, certificates: CertificateFacts): Item[] {
  const items: { item: Item; since: number }[] = [];
  const now = context.now();
  for (const id of context.sets.hosts.ids()) {
    const host = context.sets.hosts.get(id);
    const text =
      host && (hostTrouble(context, host, now) ?? certificateTrouble(context, host, certificates.warnDays, now));
    if (host !== undefined && text)
      items.push({
        item: { ...text, kind: 'host', id, name: host.static.name },
        since: host.dynamic.statusSince ?? now,
      });
  }
  for (const [id, { source, removeAt }] of context.registry.leaving()) {
    const host = context.sets.hosts.get(id);
    const text = `not listed in ${source} any more; removed in ${duration(removeAt - now)}`;
    if (host !== undefined)
      items.push({ item: { severity: 'WARNING', kind: 'host', id, name: host.static.name, text }, since: now });
  }
  const own = certificates.ownExpiresAt;
  const ownTrouble =
    own === null ? undefined : expiry('our own certificate for agents', own, certificates.warnDays, now);
  if (ownTrouble !== undefined)
    items.push({ item: { ...ownTrouble, kind: 'service', id: 'vurti', name: 'vurti' }, since: now });
  for (const { ids, severity, what } of troubledVms(context)) {
    let told = 0;
    let more = 0;
    for (const id of ids) {
      const vm = told < MOST_VMS ? context.sets.vms.get(id) : undefined;
      const trouble = vm && vmTrouble(context, vm, now);
      if (vm !== undefined && trouble !== undefined) {
        told += 1;
        items.push({
          item: { ...trouble, kind: 'vm', id, name: vm.static.name },
          since: vm.dynamic.statusSince ?? now,
        });
      } else more += 1;
    }
    const text = `${more} more VMs are ${what}`;
    if (more > 0) items.push({ item: { severity, text, kind: 'service', id: 'vurti', name: 'vurti' }, since: now });
  }
  const rank: Record<Item['severity'], number> = { ALERT: 0, ERROR: 1, WARNING: 2 };
  return items
    .sort(
      (a, b) =>
        rank[a.item.severity] - rank[b.item.severity] || kindRank(a.item) - kindRank(b.item) || a.since - b.since,
    )
    .map(({ item }) => item);
}

const kindRank = (item: Item): number => (item.kind === 'host' ? 0 : 1);

interface Troubled {
  readonly ids: Iterable<string>;
  readonly severity: Item['severity'];
  readonly what: string;
}

function troubledVms({ sets }: ViewContext): readonly Troubled[] {
  return [
    { ids: sets.vmsInTrouble('pausedOnError'), severity: 'ERROR', what: 'paused on an error' },
    { ids: sets.vmsInTrouble('notResponding'), severity: 'WARNING', what: 'not responding' },
    { ids: orphans(), severity: 'ERROR', what: 'Unknown on hosts that answer, or on none' },
  ];
  // VMs that are Unknown because their host is lost are told with their host.
  function* orphans(): Generator<string, void, void> {
    for (const [host, ids] of sets.unknownVms()) {
      if (host === null || sets.hosts.get(host)?.dynamic.status !== 'NonResponsive') yield* ids;
    }
  }
}

type Trouble = Pick<Item, 'severity' | 'text'>;

function hostTrouble(context: ViewContext, host: Vds, now: number): Trouble | undefined {
  const { status, statusSince, nonOperationalReason } = host.dynamic;
  if (notMonitored.has(status)) return undefined;
  const liveness = context.sets.hosts.liveness(host.id);
  const since = duration(now - (statusSince ?? now));
  switch (status) {
    case 'NonResponsive': {
      const vms = context.sets.vms.byHost(host.id);
      const ha = [...vms].filter((id) => context.sets.vms.get(id)?.static.ha === true).length;
      const heard = liveness?.heardAt ?? null;
      const silent = heard === null ? '' : `, silent for ${duration(now - heard)}`;
      return {
        severity: 'ERROR',
        text: `NonResponsive ${since}${silent}; ${vms.size} VMs Unknown${ha > 0 ? ` (${ha} highly available)` : ''}`,
      };
    }
    case 'NonOperational':
    case 'Error':
      return { severity: 'ERROR', text: `${status} ${since}: ${nonOperationalReason}` };
    case 'Connecting': {
      const grace = context.registry.settingsOf(host.id).grace;
      const attempts = liveness?.attempts ?? 0;
      const vms = context.sets.vms.byHost(host.id).size;
      const left = graceLeft(context, host, now);
      const rest = attempts > grace.attempts || left > 0 ? `, ${duration(Math.max(0, left))} of grace left` : '';
      return {
        severity: 'WARNING',
        text: `Connecting ${since}, ${attempts} failed attempt${attempts === 1 ? '' : 's'}${rest}; its ${vms} VMs keep their status`,
      };
    }
    case 'Initializing':
      return { severity: 'WARNING', text: `Initializing ${since}: its agent re-adopts its VMs` };
    default: {
      const failing = liveness?.vmStatsFailingSince ?? null;
      if (failing === null) return undefined;
      return {
        severity: 'WARNING',
        text: `answers, but not about its VMs, for ${duration(now - failing)}: they are stale`,
      };
    }
  }
}

function certificateTrouble(
  { sets }: ViewContext,
  { id, dynamic }: Vds,
  warnDays: number,
  now: number,
): Trouble | undefined {
  const expiresAt = sets.hosts.liveness(id)?.certificateExpiresAt ?? null;
  if (expiresAt === null || notMonitored.has(dynamic.status)) return undefined;
  return expiry('agent certificate', expiresAt, warnDays, now);
}

function expiry(what: string, expiresAt: number, warnDays: number, now: number): Trouble | undefined {
  const days = daysLeft(expiresAt, now);
  if (expiresAt <= now) return { severity: 'ERROR', text: `${what} has expired` };
  if (days >= warnDays) return undefined;
  return { severity: 'WARNING', text: `${what} expires in ${days} day${days === 1 ? '' : 's'}` };
}

/** From the last answer on, as the rules count it and explain tells it. */
function graceLeft({ registry, sets }: ViewContext, host: Vds, now: number): number {
  const { grace } = registry.settingsOf(host.id);
  const lastAnswerAt = sets.hosts.liveness(host.id)?.lastAnswerAt ?? now;
  return lastAnswerAt + graceSeconds(grace, host.dynamic.vmCount, host.static.spmStatus) * 1000 - now;
}

function vmTrouble({ sets }: ViewContext, vm: Vm, now: number): Trouble | undefined {
  const { status, pauseStatus, statusSince, runOnVds } = vm.dynamic;
  const since = duration(now - (statusSince ?? now));
  const where = runOnVds === null ? '' : ` on ${sets.hosts.get(runOnVds)?.static.name ?? runOnVds}`;
  if (status === 'Paused') {
    if (!pauseIsError.has(pauseStatus)) return undefined;
    return { severity: catalogue.VM_PAUSED_ENOSPC.severity as 'ERROR', text: `Paused ${pauseStatus} ${since}${where}` };
  }
  if (status === 'NotResponding') return { severity: 'WARNING', text: `NotResponding ${since}${where}` };
  if (status === 'Unknown') return { severity: 'ERROR', text: `Unknown ${since}${where}` };
  return undefined;
}
