import type { FastifyInstance } from 'fastify';
import type { NamePlace, Page } from '../monitor/index.js';
import { route } from './api/operation.js';
import { operations } from './api/operations.js';
import type { RouteContext } from './context.js';
import { apiExplanation, apiHost, apiStatus, apiVm, envelope, toJson } from './convert.js';
import { clusterIds } from './entity-ids.js';
import { notModified, stateTag, textTag } from './etag.js';
import { listAnswer } from './list-answer.js';
import { type ListPage, pageOf, placeOf } from './list-page.js';

const nameAndId = ['string', 'string'] as const;

/** The place in an order by names, and back. */
function placeIn(after: string | undefined): NamePlace | null {
  if (after === undefined) return null;
  const [name, id] = placeOf<readonly [string, string]>(after, nameAndId);
  return { name, id };
}
const pageFrom = <V>({ next, ...page }: Page<V>): ListPage<V> => ({ ...page, next: next && [next.name, next.id] });

/** What is: hosts, VMs, clusters, the service. */
export function readRoutes(app: FastifyInstance, context: RouteContext): void {
  route(app, operations.status, () => apiStatus(context.monitor().status()));

  route(app, operations.listHosts, ({ query, request, reply }) => {
    const { limit, after: cursor, fields, host, cluster, ...more } = query;
    const monitor = context.loaded();
    const after = placeIn(cursor);
    const filter = {
      ...more,
      ...(host === undefined ? {} : { id: host.map((ref) => monitor.hosts.get(ref).id) }),
      ...(cluster === undefined ? {} : { clusterId: [...clusterIds(monitor, cluster)] }),
    };
    if (notModified(request, reply, stateTag(monitor, fields))) return reply;
    const page = async () => pageFrom(await monitor.hosts.page({ filter, after, limit }));
    return listAnswer(context, reply, { monitor, kind: 'HostList', fields, page, convert: apiHost });
  });

  route(app, operations.getHost, ({ params, request, reply }) => {
    const monitor = context.loaded();
    const host = monitor.hosts.get(params.ref);
    if (notModified(request, reply, stateTag(monitor))) return reply;
    return { ...envelope(monitor, 'Host'), item: apiHost(host) };
  });

  route(app, operations.listVms, ({ query, request, reply }) => {
    const { limit, after: cursor, fields, host, cluster, ...more } = query;
    const monitor = context.loaded();
    const after = placeIn(cursor);
    const filter = {
      ...more,
      ...(host === undefined ? {} : { hostId: host.map((ref) => monitor.hosts.get(ref).id) }),
      ...(cluster === undefined ? {} : { clusterId: [...clusterIds(monitor, cluster)] }),
    };
    if (notModified(request, reply, stateTag(monitor, fields))) return reply;
    const page = async () => pageFrom(await monitor.vms.page({ filter, after, limit }));
    return listAnswer(context, reply, { monitor, kind: 'VmList', fields, page, convert: apiVm });
  });

  route(app, operations.getVm, ({ params, request, reply }) => {
    const monitor = context.loaded();
    const vm = monitor.vms.get(params.ref);
    if (notModified(request, reply, stateTag(monitor))) return reply;
    return { ...envelope(monitor, 'Vm'), item: apiVm(vm) };
  });

  route(app, operations.listClusters, ({ query: { limit, after: cursor, fields }, request, reply }) => {
    const monitor = context.loaded();
    const after = cursor === undefined ? undefined : placeOf<readonly [string, string]>(cursor, nameAndId);
    if (notModified(request, reply, stateTag(monitor, 'unmeasured'))) return reply;
    const all = monitor.clusters.list();
    const page = () => pageOf(all, all.length, { limit, after }, ({ name, id }) => [name, id]);
    const convert = (cluster: (typeof all)[number]): object => cluster;
    return listAnswer(context, reply, { monitor, kind: 'ClusterList', fields, page, convert });
  });

  route(app, operations.rawAnswer, async ({ params: { ref, method }, query: { vm } }) => {
    const monitor = context.loaded();
    const { id, name } = monitor.hosts.get(ref);
    const result = await monitor.raw(id, method, vm);
    return { ...envelope(monitor, 'Raw'), item: { host: name, hostId: id, method, result } };
  });

  route(app, operations.explain, ({ params: { kind, ref } }) => {
    const monitor = context.loaded();
    return { ...envelope(monitor, 'Explanation'), item: apiExplanation(monitor.explain(kind, ref)) };
  });

  route(app, operations.settings, ({ request, reply }) => {
    const items = context.settings();
    const monitor = context.monitor();
    if (notModified(request, reply, textTag(toJson(items)))) return reply;
    return { ...envelope(monitor, 'SettingList'), total: items.length, matched: items.length, next: null, items };
  });
}
