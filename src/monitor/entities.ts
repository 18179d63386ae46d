import { Observable } from 'rxjs';
import type { AgentRequest, Channel } from '../events/index.js';
import { type Scheduler, VurtiError } from '../kernel/index.js';
import {
  type Cluster,
  type ClusterSpec,
  type HostSpec,
  notMonitored,
  type VmDevice,
  type VmSpec,
} from '../model/index.js';
import type {
  HaRestarts,
  InventoryUpdater,
  PendingResources,
  PendingSums,
  StatisticsWriter,
  UpdaterPipeline,
  VdsUpdater,
  VmJobSpec,
  VmUpdater,
} from '../updater/index.js';
import type {
  ClustersApi,
  DeviceWord,
  Filter,
  HostFilter,
  HostLeaving,
  HostsApi,
  HostView,
  Page,
  PageQuery,
  VmFilter,
  VmsApi,
  VmView,
} from './api.js';
import { CommandDeviceWord } from './device-word.js';
import { pageOf } from './pages.js';
import { resolveRef } from './resolve-ref.js';
import { hostSource, hostView, matches, type ViewContext, vmSource, vmView } from './views.js';

export interface EntityParts {
  readonly view: ViewContext;
  readonly updater: InventoryUpdater;
  readonly vdsUpdater: VdsUpdater;
  readonly vmUpdater: VmUpdater;
  readonly pipeline: UpdaterPipeline;
  readonly statistics: StatisticsWriter;
  readonly mode: 'observer' | 'manager';
  readonly requests: Channel<AgentRequest>;
  readonly pending: PendingResources;
  readonly restarts: HaRestarts;
  readonly scheduler: Scheduler;
}

/** What only somebody may say who manages the hosts. */
export function refuseObserver({ mode }: EntityParts): void {
  if (mode === 'observer') throw new VurtiError('OBSERVER_MODE', 'The engine manages these hosts');
}

export class Hosts implements HostsApi {
  readonly #p: EntityParts;

  constructor(parts: EntityParts) {
    this.#p = parts;
  }

  idOf(ref: string): string {
    const { sets } = this.#p.view;
    return resolveRef('host', ref, {
      named: (name) => sets.hostsNamed(name),
      has: (id) => sets.hosts.get(id) !== undefined,
      ids: () => sets.hosts.ids(),
      nameOf: (id) => sets.hosts.get(id)?.static.name ?? id,
    });
  }

  get(ref: string): HostView {
    return this.#viewOf(this.idOf(ref));
  }

  nameOf(id: string): string | null {
    return this.#p.view.sets.hosts.get(id)?.static.name ?? null;
  }

  page({ filter = {}, ...place }: PageQuery<HostFilter> = {}): Promise<Page<HostView>> {
    return pageOf(hostSource(this.#p.view, filter), place, this.#p.scheduler);
  }

  list(): readonly HostView[] {
    return [...this.#p.view.sets.hosts.ids()].map((id) => this.#viewOf(id));
  }

  *each(): Generator<HostView, void, void> {
    const { hosts } = this.#p.view.sets;
    for (const id of hosts.ids()) {
      const host = hosts.get(id);
      if (host !== undefined) yield hostView(this.#p.view, host);
    }
  }

  where(filter: Filter<HostView>): readonly HostView[] {
    return this.list().filter((host) => matches(host, filter));
  }

  put(spec: HostSpec): HostView {
    const host = this.#p.updater.putHost(spec);
    this.#p.view.registry.noteSpec(host.id, spec);
    return this.#viewOf(host.id);
  }

  leave(ref: string, leaving: HostLeaving | null): void {
    const host = this.#hostOf(ref);
    this.#p.view.registry.noteLeaving(host.id, leaving);
    if (leaving === null) return;
    const params = { Source: leaving.source, RemoveAt: new Date(leaving.removeAt).toISOString() };
    this.#p.updater.tell(host, { name: 'VDS_LEFT_INVENTORY', params });
  }

  remove(ref: string, because?: string): void {
    const host = this.#hostOf(ref);
    if (because !== undefined) {
      this.#p.updater.tell(host, { name: 'VDS_REMOVED_FROM_INVENTORY', params: { Reason: because } });
    }
    this.#p.pipeline.forgetHost(host.id);
    this.#p.updater.removeHost(host);
    this.#p.statistics.forgetVds(host.id);
    this.#p.view.registry.forget(host.id);
  }

  activate(ref: string): HostView {
    const host = this.#hostOf(ref);
    const { status } = host.dynamic;
    if (!notMonitored.has(status) && status !== 'NonOperational') return this.#viewOf(host.id);
    this.#p.vdsUpdater.command(host.id, { is: 'activate' });
    return this.#viewOf(host.id);
  }

  maintenance(ref: string, reason?: string): HostView {
    const id = this.idOf(ref);
    this.#p.vdsUpdater.command(id, { is: 'maintenance', reason: reason ?? null });
    return this.#viewOf(id);
  }

  confirmRebooted(ref: string): HostView {
    return this.#managed(ref, (id) => this.#p.vdsUpdater.command(id, { is: 'confirmRebooted' }));
  }

  rebooting(ref: string, forSeconds?: number): HostView {
    const command = { is: 'rebooting', ...(forSeconds === undefined ? {} : { forSeconds }) } as const;
    return this.#managed(ref, (id) => this.#p.vdsUpdater.command(id, command));
  }

  refresh(ref: string): void {
    const host = this.idOf(ref);
    for (const method of ['Host.getCapabilities', 'Host.getHardwareInfo'] as const) {
      this.#p.requests.publish({ host, method, reason: 'host.refresh' });
    }
  }

  imageTransfers(ref: string, phases: readonly string[]): void {
    this.#managed(ref, (id) => this.#p.view.inventory.putImageTransfers(id, phases));
  }

  addPending(ref: string, vmId: string, pending: PendingSums): void {
    this.#managed(ref, (id) => this.#p.pending.add(id, vmId, pending));
  }

  clearPending(ref: string): void {
    this.#managed(ref, (id) => this.#p.pending.clearHost(id));
  }

  watch(ref: string): Observable<HostView> {
    const id = this.idOf(ref);
    return new Observable((subscriber) =>
      this.#p.view.sets.setOfHost(id)?.vds.watch(id, (host) => {
        if (host === undefined) subscriber.complete();
        else subscriber.next(hostView(this.#p.view, host));
      }),
    );
  }

  #hostOf(ref: string) {
    const id = this.idOf(ref);
    const host = this.#p.view.sets.hosts.get(id);
    if (host === undefined) throw new VurtiError('NOT_FOUND', `There is no host "${ref}"`);
    return host;
  }

  #viewOf(id: string): HostView {
    return hostView(this.#p.view, this.#hostOf(id));
  }

  #managed(ref: string, then: (hostId: string) => void): HostView {
    refuseObserver(this.#p);
    const id = this.idOf(ref);
    then(id);
    return this.#viewOf(id);
  }
}

export class Vms implements VmsApi {
  readonly #p: EntityParts;

  constructor(parts: EntityParts) {
    this.#p = parts;
  }

  idOf(ref: string): string {
    const { sets } = this.#p.view;
    return resolveRef('VM', ref, {
      named: (name) => sets.vmsNamed(name),
      has: (id) => sets.vms.get(id) !== undefined,
      ids: () => sets.vms.ids(),
      nameOf: (id) => sets.vms.get(id)?.static.name ?? id,
    });
  }

  get(ref: string): VmView {
    return vmView(this.#p.view, this.#vmOf(ref));
  }

  nameOf(id: string): string | null {
    return this.#p.view.sets.vms.get(id)?.static.name ?? null;
  }

  page({ filter = {}, ...place }: PageQuery<VmFilter> = {}): Promise<Page<VmView>> {
    return pageOf(vmSource(this.#p.view, filter), place, this.#p.scheduler);
  }

  list(): readonly VmView[] {
    return [...this.each()];
  }

  *each(): Generator<VmView, void, void> {
    const { vms } = this.#p.view.sets;
    for (const id of vms.ids()) {
      const vm = vms.get(id);
      if (vm !== undefined) yield vmView(this.#p.view, vm);
    }
  }

  where(filter: Filter<VmView>): readonly VmView[] {
    return this.list().filter((vm) => matches(vm, filter));
  }

  put(spec: VmSpec): VmView {
    return vmView(this.#p.view, this.#p.updater.putVm(spec));
  }

  remove(ref: string): void {
    const vm = this.#vmOf(ref);
    this.#p.updater.removeVm(vm);
    this.#p.vmUpdater.forgetVm(vm.id);
  }

  history(ref: string): ReturnType<VmsApi['history']> {
    const { cpu, memory, network } = this.#p.vmUpdater.figures.history(this.idOf(ref)) ?? {};
    return { cpu: cpu?.values() ?? [], memory: memory?.values() ?? [], network: network?.values() ?? [] };
  }

  devices(ref: string): readonly VmDevice[] {
    return this.#vmOf(ref).devices;
  }

  deviceWord(ref: string): DeviceWord {
    refuseObserver(this.#p);
    return new CommandDeviceWord(this.#p.view.sets, this.#p.vmUpdater.devices, this.idOf(ref));
  }

  jobStarted(ref: string, job: VmJobSpec): void {
    refuseObserver(this.#p);
    this.#p.vmUpdater.jobs.begin(this.#vmOf(ref), job);
  }

  restartFailed(ref: string): void {
    refuseObserver(this.#p);
    this.#p.restarts.tryFailed(this.idOf(ref));
  }

  clearPending(vmId: string): void {
    refuseObserver(this.#p);
    this.#p.pending.clearVm(vmId);
  }

  watch(ref: string): Observable<VmView> {
    const id = this.idOf(ref);
    return new Observable((subscriber) =>
      this.#p.view.sets.setOfVm(id)?.vms.watch(id, (vm) => {
        if (vm === undefined) subscriber.complete();
        else subscriber.next(vmView(this.#p.view, vm));
      }),
    );
  }

  #vmOf(ref: string) {
    const id = this.idOf(ref);
    const vm = this.#p.view.sets.vms.get(id);
    if (vm === undefined) throw new VurtiError('NOT_FOUND', `There is no VM "${ref}"`);
    return vm;
  }
}

export class Clusters implements ClustersApi {
  readonly #p: EntityParts;

  constructor(parts: EntityParts) {
    this.#p = parts;
  }

  list(): readonly Cluster[] {
    return [...this.#p.view.inventory.clusters()];
  }

  put(spec: ClusterSpec): Cluster {
    const cluster = this.#p.updater.putCluster(spec);
    for (const id of this.#p.view.sets.hosts.byCluster(cluster.id)) this.#p.view.registry.changed(id);
    return cluster;
  }
}
