import type { Committer, Streams } from '../../src/events/index.js';
import { CountedIds, silentTelemetry, type Telemetry, VirtualTime } from '../../src/kernel/index.js';
import { defaultSettings } from '../../src/model/index.js';
import { FloodControl, heldBackEvent, IntentBook, type OutboxPorts, RecordMaker } from '../../src/updater/index.js';

interface PortsOptions {
  readonly committer: Committer;
  readonly streams: Streams;
  readonly time?: VirtualTime;
  readonly telemetry?: Telemetry;
  readonly flap?: { readonly changes: number; readonly windowSeconds: number };
}

/** An outbox's ports, put together as the container does. */
export function outboxPorts(options: PortsOptions): OutboxPorts {
  const { committer, streams } = options;
  const clock = options.time ?? new VirtualTime();
  const records = new RecordMaker(new CountedIds(), 'manager');
  return {
    ...{ committer, streams, telemetry: options.telemetry ?? silentTelemetry },
    flood: new FloodControl({
      ...{ clock, scheduler: clock, flap: options.flap ?? defaultSettings.flap },
      tell: (held) => committer.commit({ rows: [], records: [heldBackEvent(records, held, clock.now())] }),
    }),
    intents: new IntentBook({ clock, write: (rows) => committer.commit({ rows, records: [] }) }),
  };
}
