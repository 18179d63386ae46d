import type { command, host, inventoryEntry, setting, vm } from './schema/entities.js';
import type { Wire } from './schema/parts.js';
import type { change, event, intent, pendingIntent, streamFrames } from './schema/records.js';
import type { explanation, problem, rawAnswer, reload, sink, statusAnswer } from './schema/service.js';

/**
 * What goes over the wire, in the API and in the CLI's JSON alike: the types of the schemas in schema/, which are also
 * the OpenAPI document and the JSON Schemas of the package. Times are RFC 3339 in UTC with milliseconds, units stand in
 * names, null = not known, an absent key = not asked for. Within vurti/v1 keys are only added.
 */
export const apiVersion = 'vurti/v1';

export type ApiHost = Wire<typeof host>;
export type ApiVm = Wire<typeof vm>;
export type ApiInventoryEntry = Wire<typeof inventoryEntry>;
export type ApiCommand = Wire<typeof command>;
export type ApiSetting = Wire<typeof setting>;
export type ApiEvent = Wire<typeof event>;
export type ApiChange = Wire<typeof change>;
export type ApiIntent = Wire<typeof intent>;
export type ApiCause = ApiEvent['cause'];
/** Advice that waits for somebody. */
export type ApiPendingIntent = Wire<typeof pendingIntent>;
export type ApiStatus = Wire<typeof statusAnswer>;
export type ApiExplanation = Wire<typeof explanation>;
export type ApiSink = Wire<typeof sink>;
export type ApiRawAnswer = Wire<typeof rawAnswer>;
/** Answer of POST /api/v1/reload. */
export type ApiReload = ItemEnvelope<Wire<typeof reload>>;
export type Problem = Wire<typeof problem>;

/**
 * Frames of GET /api/v1/events/stream (server-sent events) by the name in their `event:` line. The `id:` of each frame is
 * a cursor to resume from, by Last-Event-ID or `after`.
 */
export type StreamFrames = { readonly [K in keyof typeof streamFrames]: Wire<(typeof streamFrames)[K]> };

/** What every answer begins with. */
export interface Envelope extends Pick<ApiStatus, 'apiVersion' | 'asOf' | 'cursor' | 'status'> {
  readonly kind: string;
}

export interface ListEnvelope<I> extends Envelope {
  /** Entities there are, whatever the filters. */
  readonly total: number;
  /** Entities that pass the filters, whatever the page. */
  readonly matched: number;
  /** The next page is after this; null: this was the last one. */
  readonly next: string | null;
  readonly items: readonly I[];
}

export interface ItemEnvelope<I> extends Envelope {
  readonly item: I;
}

/** Pages of the log. */
export interface LogEnvelope<I> extends Envelope {
  /** There is more to read at once: after `cursor`, or before `before` when reading backwards. */
  readonly more: boolean;
  readonly before: string | null;
  readonly items: readonly I[];
}
export type EventListEnvelope = LogEnvelope<ApiEvent>;
