import type { Subscription } from 'rxjs';
import type { VdsPushesMissed } from '../events/index.js';
import { minutes, seconds } from '../kernel/index.js';
import {
  type HostEndpoint,
  notMonitored,
  upOrLeaving,
  type VdsStatus,
  type VmStatsReport,
  type VmStatus,
} from '../model/index.js';
import type { ComparedReports } from './compared-reports.js';
import type { CallRecord } from './history.js';
import { HostPushes, isNewer, tellsOfEnd } from './host-pushes.js';
import { HourlyCount } from './hourly-count.js';
import type { PollFollower } from './poll-follower.js';
import { PollingPushAdapter, type PollingPushAdapterOptions, type PollStats } from './polling-push-adapter.js';
import { unannounced, type VmTurn } from './push-gaps.js';
import { type Arrival, type PushGate, SubscribingPushAdapter } from './subscribing-push-adapter.js';

export interface HybridPushAdapterOptions extends Omit<PollingPushAdapterOptions, 'follower'> {
  /** push.enabled */
  readonly enabled: boolean;
  /** Pieces of evidence of the host that wait to be applied. */
  readonly waitingOf: (hostId: string) => number;
}

/** Figures of `MonitorStatus.pushes`. */
export interface PushStats {
  readonly enabled: boolean;
  /** Hosts that push, or have pushed since the start and are still listened to. */
  readonly hosts: number;
  /** Those of them whose pushes are whole: connected, polled since, no gap within the last ten minutes. */
  readonly healthy: number;
  readonly gapsLastHour: number;
}

/** How far one host's pushes are believed (docs/adr/0009). */
export interface HostPushFigures {
  /** whole: connected, and a poll was applied since; catchingUp: connected, such a poll is to come; lost: to be connected again. */
  readonly state: 'whole' | 'catchingUp' | 'lost';
  /** No gap within the last ten minutes, and none in doubt. */
  readonly trusted: boolean;
  /** In multiples of poll.intervalSeconds, how far apart its polls may be while nothing happens there … */
  readonly multiple: number;
  /** … and how far they are at present. */
  readonly pace: number;
  /** Changes that polls showed and no push had announced while the connection stood, since the start. */
  readonly gaps: number;
  /** ms since the epoch. */
  readonly lastGapAt: number | null;
}

/** Between a poll that shows a turn and its push: the agent sends them by two ways inside. */
const LATE_PUSH_MS = seconds(2);
/** So long after a gap a host's pushes are not believed to be whole. */
const GAP_MS = minutes(10);
/** Evidence of one host that may wait; pushes beyond it are dropped, and a poll makes up for them. */
const MOST_WAITING = 1000;
/** Statuses in which VDSM leaves nothing unsaid for long. */
const calm: ReadonlySet<VmStatus> = new Set<VmStatus>(['Up', 'Paused', 'Down', 'Suspended']);

/**
 * Polls and pushes as one adapter (docs/adr/0009). Pushes tell at once, polls tell all: a poll is what makes pushes whole after
 * a connection, and what shows whether they are. Hosts whose protocol knows no pushes are polled, no more.
 *
 * On a connection: it is subscribed first, pushes are kept, a poll is asked for and applied, then what is newer than its
 * answer. There is no timer and no stream per host: what has to be looked at later is looked at with the host's next tick.
 */
export class HybridPushAdapter {
  readonly #o: HybridPushAdapterOptions;
  readonly #polling: PollingPushAdapter;
  readonly #pushing: SubscribingPushAdapter;
  readonly #hosts = new Map<string, HostPushes>();
  readonly #gaps = new HourlyCount();
  #changes: Subscription | null = null;

  constructor(options: HybridPushAdapterOptions) {
    this.#o = options;
    const { fetcher, vms, streams, clock, telemetry } = options;
    this.#polling = new PollingPushAdapter({ ...options, ...(options.enabled ? { follower: this.#follower() } : {}) });
    const parts = { fetcher, vms, evidence: streams.evidence, clock, telemetry };
    this.#pushing = new SubscribingPushAdapter({ ...parts, stamps: this.#polling, gate: this.#gate() });
  }

  start(): void {
    this.#polling.start();
    this.#changes = this.#o.streams.changes.stream$.subscribe((change) => {
      if (change.name === 'VmRemoved') for (const host of this.#hosts.values()) host.forgetVm(change.vm.id);
    });
  }

  stop(): Promise<void> {
    this.#changes?.unsubscribe();
    this.#pushing.stop();
    return this.#polling.stop();
  }

  poke(hostId: string): void {
    this.#polling.poke(hostId);
  }

  nextPollAt(hostId: string): number | null {
    return this.#polling.nextPollAt(hostId);
  }

  history(hostId: string): readonly CallRecord[] {
    return this.#polling.history(hostId);
  }

  get callsWaiting(): number {
    return this.#polling.callsWaiting;
  }

  stats(): PollStats {
    return this.#polling.stats();
  }

  /** The interval at which the host's VMs are reported at present, in multiples of poll.intervalSeconds. */
  paceOf(hostId: string): number {
    return Math.max(this.#hosts.get(hostId)?.pace ?? 1, this.#polling.busyMultipleOf(hostId));
  }

  /** null: the host does not push. */
  pushesOf(hostId: string): HostPushFigures | null {
    const host = this.#hosts.get(hostId);
    if (host === undefined || !host.spoke || host.mode === 'off' || host.mode === 'polled') return null;
    const { gaps, lastGapAt } = host;
    return {
      state: host.mode === 'live' ? 'whole' : host.isConnected ? 'catchingUp' : 'lost',
      trusted: this.#isTrusted(host, this.#o.clock.now()),
      ...{ multiple: host.trust.multiple, pace: this.paceOf(hostId), gaps, lastGapAt },
    };
  }

  #isTrusted(host: HostPushes, now: number): boolean {
    return host.mode === 'live' && host.suspects.length === 0 && host.gapUntil <= now;
  }

  pushStats(): PushStats {
    const now = this.#o.clock.now();
    const spoke = [...this.#hosts.values()].filter((host) => host.spoke && host.mode !== 'off');
    return {
      enabled: this.#o.enabled,
      hosts: spoke.length,
      healthy: spoke.filter((host) => this.#isTrusted(host, now)).length,
      gapsLastHour: this.#gaps.within(now),
    };
  }

  #follower(): PollFollower {
    return {
      tick: (hostId, status, endpoint) => this.#onTick(hostId, status, endpoint),
      multipleOf: (hostId) => this.#multipleOf(hostId),
      overdue: (hostId) => {
        this.#o.telemetry.count('vurti_push_overdue_polls_total');
        this.#hosts.get(hostId)?.trust.interrupted();
      },
      beforeReport: (hostId, report, compared, requestedAt) =>
        this.#beforeReport(hostId, report, compared, requestedAt),
      afterReport: (hostId, report, requestedAt) => this.#afterReport(hostId, report, requestedAt),
      cycleOver: (hostId, begunAt) => {
        const host = this.#hosts.get(hostId);
        // No VM report came of it; what is kept would be kept for nothing.
        if (host?.mode === 'buffering' && begunAt >= host.connectedAt) this.#open(hostId, host);
      },
      released: (hostId) => {
        this.#pushing.unsubscribe(hostId);
        this.#hosts.delete(hostId);
      },
    };
  }

  #gate(): PushGate {
    return {
      connected: (hostId) => {
        const inContact = upOrLeaving.has(this.#statusOf(hostId));
        this.#hosts.get(hostId)?.connected(this.#o.clock.monotonic(), inContact);
      },
      ready: (hostId) => {
        // A host that was never heard has its turn with every tick anyway.
        if (this.#statusOf(hostId) !== 'Unassigned') this.#polling.poke(hostId);
      },
      admits: (hostId, arrival) => this.#admits(hostId, arrival),
      lost: (hostId) => {
        const host = this.#hosts.get(hostId);
        if (host === undefined) return;
        for (const arrival of host.take()) this.#pushing.publish(hostId, arrival);
        // Their pushes may have been on their way.
        if (host.suspects.length > 0) this.#missed(hostId, host, 'disconnected', host.suspects);
        host.disconnected();
      },
    };
  }

  #onTick(hostId: string, status: VdsStatus, endpoint: HostEndpoint | undefined): void {
    let host = this.#hosts.get(hostId);
    if (host === undefined) {
      host = new HostPushes();
      this.#hosts.set(hostId, host);
    }
    const listens = host.mode !== 'off' && host.mode !== 'polled';
    if (endpoint === undefined || notMonitored.has(status)) {
      if (listens) this.#pushing.unsubscribe(hostId);
      host.mode = 'off';
      return;
    }
    if (host.mode === 'off') {
      // Before: a fetcher may be connected already, and say so at once.
      host.mode = 'connecting';
      if (!this.#pushing.subscribe(endpoint)) host.mode = 'polled';
    }
    const { clock } = this.#o;
    if (host.suspects.length === 0 || clock.monotonic() - host.suspectedAt < LATE_PUSH_MS) return;
    const turns = host.suspects;
    host.suspects = [];
    this.#missed(hostId, host, 'silent', turns);
  }

  #admits(hostId: string, arrival: Arrival): boolean {
    const host = this.#hosts.get(hostId);
    if (host === undefined || !host.isConnected) return false;
    if (arrival.push.kind === 'vmStatus') {
      for (const { vmId, status } of arrival.push.vms) {
        if (this.#o.vms.get(vmId) !== undefined) host.notePushed(vmId, status, arrival.at);
      }
    }
    const buffering = host.mode === 'buffering';
    if (buffering ? host.keep(arrival) : this.#o.waitingOf(hostId) < MOST_WAITING) return !buffering;
    // Too many: they are let go, and a poll says what came of them.
    this.#o.telemetry.count('vurti_pushes_dropped_total', host.kept + 1);
    host.connected(this.#o.clock.monotonic(), true);
    this.#missed(hostId, host, 'overflow', []);
    this.#polling.poke(hostId);
    return false;
  }

  #beforeReport(hostId: string, report: VmStatsReport, compared: ComparedReports, requestedAt: number): void {
    const host = this.#hosts.get(hostId);
    if (host === undefined || host.mode === 'off' || host.mode === 'polled') return;
    if (host.mode === 'live' || host.wasLive) this.#compare(hostId, host, report, compared, requestedAt);
    // How a VM ended that the report does not list is known from its push alone: it comes first.
    if (host.mode !== 'buffering' || requestedAt < host.connectedAt || !report.complete) return;
    for (const arrival of host.take((kept) => tellsOfEnd(kept, report))) this.#pushing.publish(hostId, arrival);
  }

  #compare(
    hostId: string,
    host: HostPushes,
    report: VmStatsReport,
    compared: ComparedReports,
    requestedAt: number,
  ): void {
    const { vms } = this.#o;
    const differing = compared.differing(hostId, report, vms);
    const turns = unannounced(hostId, differing, vms, (turn) => host.wasPushed(turn, requestedAt));
    host.noteReport(report, compared.generation, requestedAt);
    if (host.mode === 'live') host.suspect(turns, this.#o.clock.monotonic());
    else if (turns.length > 0) this.#missed(hostId, host, 'disconnected', turns);
  }

  #afterReport(hostId: string, report: VmStatsReport, requestedAt: number): void {
    const host = this.#hosts.get(hostId);
    if (host === undefined) return;
    if ((host.mode === 'buffering' || host.mode === 'open') && requestedAt >= host.connectedAt) {
      for (const arrival of host.take()) if (isNewer(arrival, report)) this.#pushing.publish(hostId, arrival);
      host.mode = 'live';
      host.wasLive = true;
    } else if (host.mode === 'live' && report.complete && host.suspects.length === 0 && this.#isCalm(hostId)) {
      const { maxIntervalSeconds, intervalSeconds } = this.#o.settingsOf(hostId).poll;
      host.trust.clean(Math.max(1, Math.floor(maxIntervalSeconds / intervalSeconds)));
    }
    host.pace = this.#multipleOf(hostId);
  }

  #open(hostId: string, host: HostPushes): void {
    host.mode = 'open';
    for (const arrival of host.take()) this.#pushing.publish(hostId, arrival);
  }

  #missed(hostId: string, host: HostPushes, because: VdsPushesMissed['because'], vms: readonly VmTurn[]): void {
    const { clock, telemetry, streams } = this.#o;
    const gaps = Math.max(1, vms.length);
    telemetry.count('vurti_push_gaps_total', gaps, { because });
    this.#gaps.add(clock.now(), gaps);
    const until = clock.now() + GAP_MS;
    if (because !== 'disconnected') {
      host.trust.gap();
      host.gaps += gaps;
      host.lastGapAt = clock.now();
      host.gapUntil = until;
    }
    const stamp = this.#polling.stampPush(hostId, clock.monotonic(), null);
    if (stamp === undefined) return;
    streams.evidence.publish({ name: 'VdsPushesMissed', host: hostId, stamp, because, vms, until });
  }

  #multipleOf(hostId: string): number {
    const host = this.#hosts.get(hostId);
    if (host?.mode !== 'live' || host.trust.multiple === 1 || host.suspects.length > 0) return 1;
    return this.#isCalm(hostId) ? host.trust.multiple : 1;
  }

  /** Nothing of the host is on its way to something else. */
  #isCalm(hostId: string): boolean {
    const { vds } = this.#o;
    const host = vds.get(hostId)?.dynamic;
    if (host?.status !== 'Up' || (host.vmMigrating ?? 0) > 0 || vds.liveness(hostId)?.attempts !== 0) return false;
    return this.#hasCalmVms(hostId);
  }

  #hasCalmVms(hostId: string): boolean {
    const { vms } = this.#o;
    const known = this.#hosts.get(hostId)?.calm;
    const revision = vms.revisionOf(hostId);
    if (known?.revision === revision) return known.calm;
    let isCalm = true;
    for (const vmId of vms.byHost(hostId)) {
      if (vms.unsettled(vmId) === undefined && calm.has(vms.get(vmId)?.dynamic.status ?? 'Unknown')) continue;
      isCalm = false;
      break;
    }
    const host = this.#hosts.get(hostId);
    if (host !== undefined) host.calm = { revision, calm: isCalm };
    return isCalm;
  }

  #statusOf(hostId: string): VdsStatus {
    return this.#o.vds.get(hostId)?.dynamic.status ?? 'Unassigned';
  }
}
