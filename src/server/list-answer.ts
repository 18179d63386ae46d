import type { FastifyReply } from 'fastify';
import type { Monitor } from '../monitor/index.js';
import type { RouteContext } from './context.js';
import { envelope, toJson } from './convert.js';
import { cursorOf, type ListPage, picked } from './list-page.js';

interface Listed<V> {
  readonly monitor: Monitor;
  /** HostList */
  readonly kind: string;
  readonly fields?: readonly string[] | undefined;
  readonly page: () => ListPage<V> | Promise<ListPage<V>>;
  readonly convert: (item: V) => object;
}

/** Items made to text in one turn of the event loop. */
const SLICE = 500;

/** The answer as text, made in portions: polls must not wait for the list of a large fleet. */
export async function listAnswer<V>(
  { scheduler }: RouteContext,
  reply: FastifyReply,
  listed: Listed<V>,
): Promise<string> {
  const { monitor, kind, fields, page, convert } = listed;
  // Before the items are looked up: what changes meanwhile comes again after this cursor.
  const head = envelope(monitor, fields === undefined ? kind : `Partial${kind}`);
  const { total, matched, items, next } = await page();
  const cursor = next === null ? null : cursorOf(next);
  let text = `${toJson({ ...head, total, matched, next: cursor }).slice(0, -1)},"items":[`;
  for (let from = 0; from < items.length; from += SLICE) {
    if (from > 0) await scheduler.yield();
    const slice = items.slice(from, from + SLICE).map((item) => picked(convert(item), fields));
    text += `${from > 0 ? ',' : ''}${toJson(slice).slice(1, -1)}`;
  }
  reply.type('application/json; charset=utf-8').serializer(String);
  return `${text}]}`;
}
