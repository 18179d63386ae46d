import type { FastifyInstance } from 'fastify';
import { VurtiError } from '../kernel/index.js';
import type { Monitor, Page } from '../monitor/index.js';
import type { RouteContext } from './context.js';
import { apiExplanation, apiHost, apiStatus, apiVm, envelope, Names } from './convert.js';
import { apiEvent } from './convert-records.js';
import { clusterIds, idsOf } from './entity-ids.js';
import { readEvents } from './event-page.js';
import { eventsQuery, explainParams, hostsQuery, noQuery, parse, refParams, vmsQuery } from './inputs.js';

export function readRoutes(app: FastifyInstance, context: RouteContext): void {
  app.get('/api/v1/status', (request) => {
    parse(noQuery, request.query, 'query');
    return apiStatus(context.monitor().status());
  });

  app.get('/api/v1/hosts', async (request) => {
    const { limit, host, cluster, ...query } = parse(hostsQuery, request.query, 'query');
    const monitor = context.loaded();
    const filter = {
      ...query,
      ...(host === undefined ? {} : { id: host.map((ref) => monitor.hosts.get(ref).id) }),
      ...(cluster === undefined ? {} : { clusterId: [...clusterIds(monitor, cluster)] }),
    };
    return listOf(monitor, 'HostList', await monitor.hosts.page({ filter, limit }), apiHost);
  });

  app.get('/api/v1/hosts/:ref', (request) => {
    parse(noQuery, request.query, 'query');
    const monitor = context.loaded();
    const { ref } = parse(refParams, request.params, 'path');
    return { ...envelope(monitor, 'Host'), item: apiHost(monitor.hosts.get(ref)) };
  });

  app.get('/api/v1/vms', async (request) => {
    const { limit, host, cluster, ...query } = parse(vmsQuery, request.query, 'query');
    const monitor = context.loaded();
    const filter = {
      ...query,
      ...(host === undefined ? {} : { hostId: host.map((ref) => monitor.hosts.get(ref).id) }),
      ...(cluster === undefined ? {} : { clusterId: [...clusterIds(monitor, cluster)] }),
    };
    return listOf(monitor, 'VmList', await monitor.vms.page({ filter, limit }), apiVm);
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
    const items = monitor.clusters.list().toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    return { ...envelope(monitor, 'ClusterList'), total: items.length, matched: items.length, items };
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

function listOf<V, I>(monitor: Monitor, kind: string, page: Omit<Page<V>, 'next'>, convert: (view: V) => I): object {
  const { total, matched, items } = page;
  return { ...envelope(monitor, kind), total, matched, items: items.map(convert) };
}
