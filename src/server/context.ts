import type { Clock, Scheduler, Telemetry } from '../kernel/index.js';
import type { Monitor } from '../monitor/index.js';

/** What the routes share. */
export interface RouteContext {
  /** @throws NOT_READY before there is one */
  monitor(): Monitor;
  /** The monitor with its stored state loaded. @throws NOT_READY before */
  loaded(): Monitor;
  settings(): readonly unknown[];
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  /** Aborts when the server closes: answers that wait end at once. */
  readonly closing: AbortSignal;
}
