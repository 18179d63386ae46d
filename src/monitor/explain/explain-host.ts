import { notMonitored, type Vds } from '../../model/index.js';
import { graceSeconds, hostOutlook } from '../../rules/index.js';
import { rulesOff } from '../rules-off.js';
import { hostView } from '../views.js';
import type { ExplainContext } from './context.js';
import { evidenceOf, latest } from './evidence.js';
import type { Explanation } from './explanation.js';
import { because } from './why.js';

export function explainHost(context: ExplainContext, host: Vds): Explanation {
  const { view } = context;
  const { id, static: facts, dynamic } = host;
  const shown = hostView(view, host);
  const settings = view.registry.settingsOf(id);
  const liveness = view.sets.hosts.liveness(id);
  const nameOf = (hostId: string): string => view.sets.hosts.get(hostId)?.static.name ?? hostId;
  const steps = context.hostTrail(id);
  const outlook = hostOutlook({
    mode: context.mode,
    name: facts.name,
    status: dynamic.status,
    reason: dynamic.nonOperationalReason,
    autoRecovers: facts.autoRecoverable && context.autoRecovery,
    liveness: {
      attempts: shown.attempts,
      recoveringSince: liveness?.recoveringSince ?? null,
      readyForUp: liveness?.readyForUp ?? false,
      vmStatsFailingSince: liveness?.vmStatsFailingSince ?? null,
      rebootUntil: liveness?.rebootUntil ?? null,
    },
    vms: shown.vms,
    graceAttempts: settings.grace.attempts,
    graceSeconds: graceSeconds(settings.grace, dynamic.vmCount, facts.spmStatus),
    silentSeconds: shown.heardAt === null ? null : Math.trunc((view.now() - shown.heardAt) / 1000),
    graceEndsAt: shown.graceEndsAt,
    recoveryTimeoutSeconds: settings.recoveryTimeoutSeconds,
    nextPollAt: shown.nextPollAt,
  });
  // The situation is told as it is now; what the last decision left undone beside it is worth a word as well.
  const told = new Set(outlook.notDone.map(({ what }) => what));
  const left = notMonitored.has(dynamic.status)
    ? []
    : (steps.at(-1)?.notDone ?? []).filter(({ what }) => !told.has(what));
  const pushes = context.pushes(id);
  const off = rulesOff(view.sets, view.inventory).filter(({ clusters }) => clusters.includes(shown.cluster));
  return {
    kind: 'host',
    ...{ id, name: facts.name, status: dynamic.status, since: dynamic.statusSince },
    previous: dynamic.previousStatus === dynamic.status ? null : dynamic.previousStatus,
    host: null,
    ...{ freshness: shown.freshness, heardAt: shown.heardAt },
    ...because(context.hostCause(id), dynamic.nonOperationalReason === 'NONE' ? null : dynamic.nonOperationalReason),
    evidence: latest(steps.map((step) => evidenceOf(step, facts.name, nameOf))),
    calls: context.calls(id),
    pushes: pushes === null ? null : { ...pushes, pollSeconds: settings.poll.intervalSeconds * pushes.pace },
    notDone: [...outlook.notDone, ...left],
    endsWhen: outlook.endsWhen,
    next: outlook.next,
    rulesOff: off.map(({ rule, because: why }) => ({ rule, because: why })),
  };
}
