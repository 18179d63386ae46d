import type { PollSettings, VdsLiveness, VdsStatus } from '../model/index.js';
import type { TickInput } from '../rules/index.js';
import { multipleOf } from './pace.js';
import type { Tick } from './planner.js';
import type { PolledHost } from './polled-host.js';

export interface Circumstances {
  readonly status: VdsStatus;
  readonly liveness: VdsLiveness | undefined;
  readonly poll: PollSettings;
  readonly nowMs: number;
  readonly pushes: number;
}

/** What the tick plan has to know for the host's tick of this number. */
export function tickInput(host: PolledHost, tick: number, circumstances: Circumstances): TickInput {
  const { status, liveness, poll, nowMs, pushes } = circumstances;
  const { ticksPerInterval } = poll;
  const busy = nowMs < host.busyUntilMs ? host.busy : 1;
  const attempts = liveness?.attempts ?? 0;
  const capabilitiesRead = liveness?.capabilitiesRead ?? false;
  const capabilitiesOld = nowMs - host.capabilitiesAskedAt >= refreshMs(host, poll);
  const multiple = multipleOf({ status, attempts, ticksPerInterval, chance: host.chance, busy, pushes });
  // Literals, as this is done for every tick of every host.
  if (host.triedAt === null) return { status, tick, ticksPerInterval, capabilitiesRead, capabilitiesOld, multiple };
  const ticksSinceTried = tick - host.triedAt;
  return { status, tick, ticksPerInterval, capabilitiesRead, capabilitiesOld, multiple, ticksSinceTried };
}

/** Up to a tenth earlier, by host: agents that were all asked at our start are not all asked together again. */
function refreshMs({ spread }: PolledHost, { capabilitiesIntervalSeconds }: PollSettings): number {
  return capabilitiesIntervalSeconds * 1000 * (1 - spread);
}

/** As a statistics tick at full pace, whatever the grid and the pace say. */
export function atFullPace(input: TickInput): TickInput {
  const { ticksSinceTried: _, ...rest } = input;
  return { ...rest, tick: 1, multiple: 1 };
}

export function later(input: TickInput, ticks: number): TickInput {
  const { ticksSinceTried } = input;
  return {
    ...input,
    tick: input.tick + ticks,
    ...(ticksSinceTried === undefined ? {} : { ticksSinceTried: ticksSinceTried + ticks }),
  };
}

/** Whether a statistics tick was passed over since the tick before. */
export function passedStatistics(tick: Tick, ticksPerInterval: number): boolean {
  const interval = (number: number): number => Math.floor((number - 1) / ticksPerInterval);
  return tick.missed > 0 && interval(tick.number) > interval(tick.number - 1 - tick.missed);
}
