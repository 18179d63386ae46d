import type { FastifyInstance } from 'fastify';
import { VurtiError } from '../kernel/index.js';
import type { Cluster } from '../model/index.js';
import type { HostView, Monitor, VmView } from '../monitor/index.js';
import type { RouteContext } from './context.js';
import { apiExplanation, apiHost, apiStatus, apiVm, envelope, Names } from './convert.js';
import { apiEvent } from './convert-records.js';
import { clusterIds, idsOf } from './entity-ids.js';
import { readEvents } from './event-page.js';
import { eventsQuery, explainParams, hostsQuery, noQuery, parse, refParams, vmsQuery } from './inputs.js';

export function readRoutes(app: FastifyInstance, context: RouteContext): void {
  app.get('/api/v1/status', (request) => {
    parse(noQuery, request.query, 'query');
    const monitor = context.monitor();
    return apiStatus(monitor, monitor.status());
  });

  app.get('/api/v1/hosts', (request) => {
    const query = parse(hostsQuery, request.query, 'query');
    const monitor = context.loaded();
    const ids = query.host && new Set(query.host.map((ref) => monitor.hosts.get(ref).id));
    const clusters = query.cluster && clusterIds(monitor, query.cluster);
    const all = monitor.hosts.list();
    const found = all.filter(
      (host) =>
        (query.status === undefined || query.status.includes(host.status)) &&
        (query.freshness === undefined || query.freshness.includes(host.freshness)) &&
        (ids === undefined || ids.has(host.id)) &&
        (clusters === undefined || clusters.has(host.clusterId)),
    );
    return listOf(monitor, 'HostList', all.length, found, query.limit, apiHost);
  });

  app.get('/api/v1/hosts/:ref', (request) => {
    parse(noQuery, request.query, 'query');
    const monitor = context.loaded();
    const { ref } = parse(refParams, request.params, 'path');
    return { ...envelope(monitor, 'Host'), item: apiHost(monitor.hosts.get(ref)) };
  });

  app.get('/api/v1/vms', (request) => {
    const query = parse(vmsQuery, request.query, 'query');
    const monitor = context.loaded();
    const hosts = query.host && new Set(query.host.map((ref) => monitor.hosts.get(ref).id));
    const clusters = query.cluster && clusterIds(monitor, query.cluster);
    const all = monitor.vms.list();
    const found = all.filter(
      (vm) =>
        (query.status === undefined || query.status.includes(vm.status)) &&
        (query.freshness === undefined || query.freshness.includes(vm.freshness)) &&
        (hosts === undefined || (vm.hostId !== null && hosts.has(vm.hostId))) &&
        (clusters === undefined || (vm.clusterId !== null && clusters.has(vm.clusterId))),
    );
    return listOf(monitor, 'VmList', all.length, found, query.limit, apiVm);
  });

  app.get('/api/v1/vms/:ref', (request) => {
    parse(noQuery, request.query, 'query');
    const monitor = context.loaded();
    const { ref } = parse(refParams, request.params, 'path');
    return { ...envelope(monitor, 'Vm'), item: apiVm(monitor.vms.get(ref)) };
  });

  app.get('/api/v1/clusters', (request) => {
    parse(noQuery, request.query, 'query');
    const monitor = context.loaded();
    const all = monitor.clusters.list();
    return listOf(monitor, 'ClusterList', all.length, all, undefined, (cluster: Cluster) => cluster);
  });

  app.get('/api/v1/explain/:kind/:ref', (request) => {
    parse(noQuery, request.query, 'query');
    const monitor = context.loaded();
    const { kind, ref } = parse(explainParams, request.params, 'path');
    return { ...envelope(monitor, 'Explanation'), item: apiExplanation(monitor.explain(kind, ref)) };
  });

  app.get('/api/v1/events', async (request, reply) => {
    const { host, vm, cluster, ...query } = parse(eventsQuery, request.query, 'query');
    const monitor = context.loaded();
    if (query.wait > 0 && query.reverse)
      throw new VurtiError('BAD_REQUEST', 'query.wait: what is to come cannot be read backwards');
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const filter = { ...query, ...idsOf(monitor, { host, vm, cluster }) };
    const stop = AbortSignal.any([gone.signal, context.closing]);
    const page = await readEvents(monitor, filter, context.scheduler, stop);
    const names = new Names(monitor);
    return {
      ...envelope(monitor, 'EventList'),
      cursor: page.cursor,
      more: page.more,
      before: page.before,
      items: page.events.map((event) =>
        apiEvent(event, names, query.changes ? (page.changes.get(event.cursor) ?? []) : undefined),
      ),
    };
  });

  app.get('/api/v1/settings', (request) => {
    parse(noQuery, request.query, 'query');
    const items = context.settings();
    const monitor = context.monitor();
    return { ...envelope(monitor, 'SettingList'), total: items.length, matched: items.length, items };
  });
}

function listOf<V extends HostView | VmView | Cluster, I>(
  monitor: Monitor,
  kind: string,
  total: number,
  found: readonly V[],
  limit: number | undefined,
  convert: (view: V) => I,
): object {
  const sorted = found.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const items = sorted.slice(0, limit).map(convert);
  return { ...envelope(monitor, kind), total, matched: found.length, items };
}
