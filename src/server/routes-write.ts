import type { FastifyInstance } from 'fastify';
import { VurtiError } from '../kernel/index.js';
import type { HostSpec } from '../model/index.js';
import { clusterEntry, clusterSpec, type Monitor, vmEntry, vmSpec } from '../monitor/index.js';
import type { RouteContext } from './context.js';
import { apiHost, apiVm, envelope } from './convert.js';
import { emptyBody, hostBody, maintenanceBody, noQuery, parse, refParams } from './inputs.js';

/** Every route here has been through the token check (guard.ts). None of them makes a host do anything. */
export function writeRoutes(app: FastifyInstance, context: RouteContext): void {
  app.post('/api/v1/hosts', (request, reply) => {
    parse(noQuery, request.query, 'query');
    const body = parse(hostBody, request.body, 'body');
    const monitor = context.loaded();
    refuseTwice(monitor, body.id ?? body.name, body.name);
    const host = monitor.hosts.put({ ...(body as HostSpec), source: 'api' });
    reply.code(201).header('location', `/api/v1/hosts/${encodeURIComponent(host.id)}`);
    return { ...envelope(monitor, 'Host'), item: apiHost(host) };
  });

  app.delete('/api/v1/hosts/:ref', (request) => {
    const { ref } = parse(refParams, request.params, 'path');
    parse(emptyBody, request.body, 'body');
    const monitor = context.loaded();
    const host = monitor.hosts.get(ref);
    monitor.hosts.remove(host.id);
    return { ...envelope(monitor, 'Host'), item: apiHost(host) };
  });

  app.post('/api/v1/hosts/:ref/activate', (request) => {
    const { ref } = parse(refParams, request.params, 'path');
    parse(emptyBody, request.body, 'body');
    const monitor = context.loaded();
    return { ...envelope(monitor, 'Host'), item: apiHost(monitor.hosts.activate(ref)) };
  });

  app.post('/api/v1/hosts/:ref/confirm-rebooted', (request) => {
    const { ref } = parse(refParams, request.params, 'path');
    parse(emptyBody, request.body, 'body');
    const monitor = context.loaded();
    return { ...envelope(monitor, 'Host'), item: apiHost(monitor.hosts.confirmRebooted(ref)) };
  });

  app.post('/api/v1/hosts/:ref/maintenance', (request) => {
    const { ref } = parse(refParams, request.params, 'path');
    const body = parse(maintenanceBody, request.body, 'body');
    const monitor = context.loaded();
    return { ...envelope(monitor, 'Host'), item: apiHost(monitor.hosts.maintenance(ref, body?.reason)) };
  });

  app.post('/api/v1/hosts/:ref/poke', (request) => {
    const { ref } = parse(refParams, request.params, 'path');
    parse(emptyBody, request.body, 'body');
    const monitor = context.loaded();
    const host = monitor.hosts.get(ref);
    monitor.poke(host.id);
    return { ...envelope(monitor, 'Host'), item: apiHost(host) };
  });

  app.post('/api/v1/vms', (request) => {
    parse(noQuery, request.query, 'query');
    const body = parse(vmEntry, request.body, 'body');
    const monitor = context.loaded();
    return { ...envelope(monitor, 'Vm'), item: apiVm(monitor.vms.put(vmSpec(body))) };
  });

  app.delete('/api/v1/vms/:ref', (request) => {
    parse(noQuery, request.query, 'query');
    parse(emptyBody, request.body, 'body');
    const monitor = context.loaded();
    const vm = monitor.vms.get(parse(refParams, request.params, 'path').ref);
    monitor.vms.remove(vm.id);
    return { ...envelope(monitor, 'Vm'), item: apiVm(vm) };
  });

  app.post('/api/v1/clusters', (request) => {
    parse(noQuery, request.query, 'query');
    const body = parse(clusterEntry, request.body, 'body');
    const monitor = context.loaded();
    return { ...envelope(monitor, 'Cluster'), item: monitor.clusters.put(clusterSpec(body)) };
  });
}

/** Adding is not changing: a typing mistake must not turn one host into another. */
function refuseTwice(monitor: Monitor, id: string, name: string): void {
  const other = monitor.hosts.list().find((host) => host.id === id || host.name === name);
  if (other !== undefined)
    throw new VurtiError('ALREADY_EXISTS', `There is a host ${other.name} (${other.id}) already`);
}
