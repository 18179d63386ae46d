import type { FastifyInstance } from 'fastify';
import { VurtiError } from '../kernel/index.js';
import type { HostSpec } from '../model/index.js';
import { clusterSpec, type Monitor, vmSpec } from '../monitor/index.js';
import { route } from './api/operation.js';
import { operations } from './api/operations.js';
import type { RouteContext } from './context.js';
import { apiHost, apiVm, envelope } from './convert.js';

/** Every route here has been through the token check (guard.ts). None of them makes a host do anything. */
export function writeRoutes(app: FastifyInstance, context: RouteContext): void {
  route(app, operations.addHost, ({ body, reply }) => {
    const monitor = context.loaded();
    refuseTwice(monitor, body.id ?? body.name, body.name);
    const host = monitor.hosts.put({ ...(body as HostSpec), source: 'api' });
    reply.header('location', `/api/v1/hosts/${encodeURIComponent(host.id)}`);
    return { ...envelope(monitor, 'Host'), item: apiHost(host) };
  });

  route(app, operations.removeHost, ({ params: { ref } }) => {
    const monitor = context.loaded();
    const host = monitor.hosts.get(ref);
    monitor.hosts.remove(host.id);
    return { ...envelope(monitor, 'Host'), item: apiHost(host) };
  });

  route(app, operations.activateHost, ({ params: { ref } }) => {
    const monitor = context.loaded();
    return { ...envelope(monitor, 'Host'), item: apiHost(monitor.hosts.activate(ref)) };
  });

  route(app, operations.confirmHostRebooted, ({ params: { ref } }) => {
    const monitor = context.loaded();
    return { ...envelope(monitor, 'Host'), item: apiHost(monitor.hosts.confirmRebooted(ref)) };
  });

  route(app, operations.maintainHost, ({ params: { ref }, body }) => {
    const monitor = context.loaded();
    return { ...envelope(monitor, 'Host'), item: apiHost(monitor.hosts.maintenance(ref, body?.reason)) };
  });

  route(app, operations.pokeHost, ({ params: { ref } }) => {
    const monitor = context.loaded();
    const host = monitor.hosts.get(ref);
    monitor.poke(host.id);
    return { ...envelope(monitor, 'Host'), item: apiHost(host) };
  });

  route(app, operations.putVm, ({ body }) => {
    const monitor = context.loaded();
    return { ...envelope(monitor, 'Vm'), item: apiVm(monitor.vms.put(vmSpec(body))) };
  });

  route(app, operations.removeVm, ({ params: { ref } }) => {
    const monitor = context.loaded();
    const vm = monitor.vms.get(ref);
    monitor.vms.remove(vm.id);
    return { ...envelope(monitor, 'Vm'), item: apiVm(vm) };
  });

  route(app, operations.putCluster, ({ body }) => {
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
