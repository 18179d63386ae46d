import type { Store } from '../../events/index.js';
import { type Clock, type Scheduler, systemRandom, type Telemetry } from '../../kernel/index.js';
import { type Monitor, type SinkAccess, VERSION } from '../../monitor/index.js';
import { webhookBody } from '../../server/index.js';
import { Sinks } from '../../sinks/index.js';

interface SinkParts {
  readonly monitor: Monitor;
  readonly store: Store;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

export function makeSinks(sinks: readonly SinkAccess[], { monitor, store, ...parts }: SinkParts): Sinks {
  return new Sinks({
    ...parts,
    ...{ sinks, log: monitor.log, bookmarks: store.bookmarks, version: VERSION, random: systemRandom },
    bodyOf: (event, sink) => webhookBody(monitor, event, sink),
  });
}
