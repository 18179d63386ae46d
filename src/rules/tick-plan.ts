import { notMonitored, upOrLeaving, type VdsStatus } from '../model/index.js';

export type PolledMethod = 'Host.getStats' | 'Host.getAllVmStats' | 'Host.getCapabilities' | 'Host.getHardwareInfo';

/** Why a tick asks: to measure, to make contact, to know a host that is Up since before our start,
 * to see whether it is still what it was, to see it emptied. */
export type CallPurpose = 'statistics' | 'contact' | 'firstRefresh' | 'refresh' | 'maintenance';

export interface PlannedCall {
  readonly method: PolledMethod;
  readonly purpose: CallPurpose;
}

export interface TickInput {
  readonly status: VdsStatus;
  /**
   * Number of the tick since the start; the first one is 1. Hosts that wait for contact have ticks before that, too
   * (0, -1 …): statistics keep to their place in the interval, looking for contact does not wait for it.
   */
  readonly tick: number;
  readonly ticksPerInterval: number;
  readonly capabilitiesRead: boolean;
  /** They were asked for longer ago than poll.capabilitiesIntervalSeconds. Default: no. */
  readonly capabilitiesOld?: boolean;
  /**
   * 1 = at full pace. Statistics are then asked in each multiple-th interval; without contact it is each multiple-th
   * tick. Grid points are skipped, the grid never moves.
   */
  readonly multiple: number;
  /** Ticks since contact was last tried; absent = it never was. */
  readonly ticksSinceTried?: number;
}

export interface TickPlan {
  /** Name of the row that decided. */
  readonly name: string;
  /** In the order in which they are asked. */
  readonly calls: readonly PlannedCall[];
}

/** One row of the plan; the first that matches decides. */
export interface TickRow extends TickPlan {
  /** The text of docs/rules.md. */
  readonly doc: string;
  readonly when: (t: TickInput) => boolean;
}

const call = (method: PolledMethod, purpose: CallPurpose): PlannedCall => ({ method, purpose });
const statistics = [call('Host.getStats', 'statistics'), call('Host.getAllVmStats', 'statistics')];
const emptied = [call('Host.getStats', 'maintenance'), call('Host.getAllVmStats', 'statistics')];
const firstRefresh = call('Host.getCapabilities', 'firstRefresh');
const refresh = call('Host.getCapabilities', 'refresh');

/** oVirt's counter makes the first tick after the start a statistics tick, then every N-th. */
const isStatisticsTick = (t: TickInput): boolean =>
  t.tick >= 1 && (t.tick - 1) % t.ticksPerInterval === 0 && ((t.tick - 1) / t.ticksPerInterval) % t.multiple === 0;
const inContact = (t: TickInput): boolean => upOrLeaving.has(t.status);
const leaving = (t: TickInput): boolean => t.status === 'PreparingForMaintenance';
const triedJustNow = (t: TickInput): boolean => t.ticksSinceTried !== undefined && t.ticksSinceTried < t.multiple;

/** What one tick of a host asks (oVirt VdsManager.refreshImpl, monitoring-rules.md §2.3). */
export const tickRows: readonly TickRow[] = [
  {
    name: 'tick.not-monitored',
    doc: 'Somebody else is at work on the host, or it is Down: nothing is asked, its VMs neither.',
    when: (t) => notMonitored.has(t.status),
    calls: [],
  },
  {
    name: 'tick.contact.back-off',
    doc: 'No contact, and it was tried just now: this tick is skipped.',
    when: (t) => !inContact(t) && triedJustNow(t),
    calls: [],
  },
  {
    name: 'tick.contact',
    doc: 'No contact: it is tried with capabilities and hardware information; statistics follow good capabilities.',
    when: (t) => !inContact(t),
    calls: [call('Host.getCapabilities', 'contact'), call('Host.getHardwareInfo', 'contact')],
  },
  {
    name: 'tick.leaving.first',
    doc: 'Statistics tick of a host that leaves and whose capabilities were not read since the start.',
    when: (t) => leaving(t) && isStatisticsTick(t) && !t.capabilitiesRead,
    calls: [...emptied, firstRefresh],
  },
  {
    name: 'tick.leaving.statistics',
    doc: 'Statistics tick of a host that leaves.',
    when: (t) => leaving(t) && isStatisticsTick(t),
    calls: emptied,
  },
  {
    name: 'tick.leaving',
    doc: 'A host that leaves says at every tick how many VMs it has, so that it gets into Maintenance without delay.',
    when: (t) => leaving(t) && (t.tick - 1) % t.multiple === 0,
    calls: [call('Host.getStats', 'maintenance')],
  },
  {
    name: 'tick.statistics.first',
    doc: 'Statistics tick of a host in contact whose capabilities were not read since the start: they are read once.',
    when: (t) => !leaving(t) && isStatisticsTick(t) && !t.capabilitiesRead,
    calls: [...statistics, firstRefresh],
  },
  {
    name: 'tick.statistics.refresh',
    doc: 'Statistics tick of a host in contact whose capabilities are old: not every change of a host is pushed.',
    when: (t) => !leaving(t) && isStatisticsTick(t) && t.capabilitiesOld === true,
    calls: [...statistics, refresh],
  },
  {
    name: 'tick.statistics',
    doc: 'Statistics tick of a host in contact: its own figures and those of its VMs.',
    when: (t) => !leaving(t) && isStatisticsTick(t),
    calls: statistics,
  },
  {
    name: 'tick.idle',
    doc: 'Any other tick of a host in contact: nothing is asked.',
    when: () => true,
    calls: [],
  },
];

/** What this tick asks. The same input gives the same plan; plans are shared, so that an idle tick costs nothing. */
export function tickPlan(input: TickInput): TickPlan {
  for (const row of tickRows) if (row.when(input)) return row;
  throw new RangeError(`no row of the tick plan matches ${input.status}`);
}
