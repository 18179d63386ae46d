import type { FastifyInstance } from 'fastify';
import type { Intent } from '../events/index.js';
import { VurtiError } from '../kernel/index.js';
import type { Monitor } from '../monitor/index.js';
import { route } from './api/operation.js';
import { operations } from './api/operations.js';
import type { RouteContext } from './context.js';
import { envelope, Names } from './convert.js';
import { apiPendingIntent } from './convert-records.js';
import { logTag, notModified } from './etag.js';
import { listAnswer } from './list-answer.js';
import { pageOf, placeOf } from './list-page.js';

/** Advice that waits: listed for everybody, taken off the list with the token. Nothing here makes a host do anything. */
export function intentRoutes(app: FastifyInstance, context: RouteContext): void {
  route(app, operations.listIntents, ({ query, request, reply }) => {
    const { type, host, vm } = query;
    const monitor = context.loaded();
    const hosts = host && new Set(host.map((ref) => monitor.hosts.get(ref).id));
    const vms = vm && new Set(vm.map((ref) => monitor.vms.get(ref).id));
    const all = monitor.intents.pending();
    // New advice is in the log; what is acknowledged or withdrawn makes the list shorter.
    if (notModified(request, reply, logTag(monitor, `-${all.length}`))) return reply;
    const found = all.filter(
      (intent) =>
        (type === undefined || type.includes(intent.intent)) &&
        (hosts === undefined || (intent.hostId !== null && hosts.has(intent.hostId))) &&
        (vms === undefined || (intent.vmId !== null && vms.has(intent.vmId))),
    );
    const names = new Names(monitor);
    const after =
      query.after === undefined ? undefined : placeOf<readonly [number, string]>(query.after, ['number', 'string']);
    const keyOf = ({ time, key }: Intent) => [time, key] as const;
    const page = () => pageOf(found, all.length, { limit: query.limit, after }, keyOf);
    const convert = (intent: Intent): object => apiPendingIntent(intent, names);
    return listAnswer(context, reply, { monitor, kind: 'IntentList', fields: query.fields, page, convert });
  });

  route(app, operations.acknowledgeIntent, ({ params: { key } }) => {
    const monitor = context.loaded();
    const intent = pendingOf(monitor, key);
    monitor.intents.acknowledge(intent.key);
    return { ...envelope(monitor, 'Intent'), item: apiPendingIntent(intent, new Names(monitor)) };
  });
}

/** By its key, or a beginning that only one has. @throws NOT_FOUND, AMBIGUOUS */
function pendingOf(monitor: Monitor, key: string): Intent {
  const all = monitor.intents.pending();
  const exact = all.find((intent) => intent.key === key);
  if (exact !== undefined) return exact;
  const found = all.filter((intent) => intent.key.startsWith(key));
  const [one] = found;
  const shown = key.slice(0, 200);
  if (one === undefined) {
    throw new VurtiError('NOT_FOUND', `No advice with the key "${shown}" waits`, {
      hint: 'It may have been acknowledged, or withdrawn because its ground is gone: vurti intents',
    });
  }
  if (found.length > 1) {
    const keys = found.slice(0, 10).map((intent) => intent.key);
    throw new VurtiError('AMBIGUOUS', `"${shown}" may be ${keys.join(', ')}`);
  }
  return one;
}
