import type { EventRecord, LogRecord, Store } from '../events/index.js';
import { type Clock, minutes, type Random, type Scheduler, type Telemetry } from '../kernel/index.js';
import type { Monitor, MonitorStatus, SinkAccess } from '../monitor/index.js';
import { Sink, type SinkOptions, type SinkState } from './sink.js';
import { post } from './webhook.js';

export interface SinksOptions {
  readonly sinks: readonly SinkAccess[];
  readonly log: Monitor['log'];
  readonly bookmarks: Store['bookmarks'];
  /** The event as JSON text. */
  readonly bodyOf: (event: EventRecord & LogRecord, sink: string) => string;
  readonly fetch: typeof fetch;
  readonly version: string;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly telemetry: Telemetry;
}

/** Shorter failures are a receiver's restart. */
const TROUBLE_AFTER_MS = minutes(2);

/** All sinks of the settings. Each goes at its own pace: one that is away holds up nobody. */
export class Sinks {
  readonly #sinks: readonly Sink[];
  readonly #clock: Clock;

  constructor({ sinks, log, bookmarks, bodyOf, fetch, version, ...parts }: SinksOptions) {
    this.#clock = parts.clock;
    this.#sinks = sinks.map(({ name, url, secret, severity }) => {
      const send: SinkOptions['send'] = (event, stop) =>
        post({ name, url, secret }, bodyOf(event, name), event.id, { ...parts, fetch, version }, stop);
      const level = severity.toUpperCase() as SinkOptions['severity'];
      // A path may be the key to a chat: it is not shown.
      const target = new URL(url).origin;
      return new Sink({ ...parts, name, target, severity: level, log, bookmarks, send });
    });
  }

  start(): void {
    for (const sink of this.#sinks) sink.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#sinks.map((sink) => sink.stop()));
  }

  states(): SinkState[] {
    return this.#sinks.map((sink) => sink.state());
  }

  /** For the attention list. */
  troubles(): MonitorStatus['attention'] {
    const now = this.#clock.now();
    return this.states()
      .filter(({ failingSince }) => failingSince !== null && now - failingSince >= TROUBLE_AFTER_MS)
      .map(({ name, failingSince, lagRecords, lastError }) => ({
        ...{ severity: 'WARNING', kind: 'service', id: `sink:${name}`, name },
        text: `sink gets no events for ${Math.floor((now - (failingSince ?? now)) / 60_000)}m: ${lastError}; ${lagRecords} records behind → vurti sinks`,
      }));
  }
}
