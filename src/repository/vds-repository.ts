import type { Vds, VdsLiveness, VdsReader, VdsStatus, VdsUsage } from '../model/index.js';
import { IndexBy } from './index-by.js';
import { type ReadView, Versioned } from './read-view.js';
import { type Watcher, Watchers } from './watchers.js';

/**
 * The hosts of one set, as this process knows them: the truth while it runs. Only the updaters and the inventory
 * write; a write is one assignment of an immutable object, so readers never see half a change.
 */
export class VdsRepository implements VdsReader {
  readonly #hosts = new Map<string, Vds>();
  readonly #usage = new Map<string, VdsUsage>();
  readonly #liveness = new Map<string, VdsLiveness>();
  readonly #byCluster = new IndexBy<string>();
  readonly #byStatus = new IndexBy<VdsStatus>();
  readonly #watchers: Watchers<Vds>;
  readonly #versioned = new Versioned(this.#hosts);

  /** Sets that hand hosts over to each other share their watchers. */
  constructor(watchers = new Watchers<Vds>()) {
    this.#watchers = watchers;
  }

  get size(): number {
    return this.#hosts.size;
  }

  get(id: string): Vds | undefined {
    return this.#hosts.get(id);
  }

  usage(id: string): VdsUsage | undefined {
    return this.#usage.get(id);
  }

  liveness(id: string): VdsLiveness | undefined {
    return this.#liveness.get(id);
  }

  ids(): Iterable<string> {
    return this.#hosts.keys();
  }

  byCluster(clusterId: string): ReadonlySet<string> {
    return this.#byCluster.get(clusterId);
  }

  byStatus(status: VdsStatus): ReadonlySet<string> {
    return this.#byStatus.get(status);
  }

  /** Adds the host or puts it in the place of the one with its id. */
  put(vds: Vds): void {
    const before = this.#hosts.get(vds.id);
    if (before === vds) return;
    this.#hosts.set(vds.id, vds);
    this.#byCluster.move(vds.id, before?.static.clusterId, vds.static.clusterId);
    this.#byStatus.move(vds.id, before?.dynamic.status, vds.dynamic.status);
    this.#versioned.changed();
    this.#watchers.tell(vds.id, vds);
  }

  setUsage(id: string, usage: VdsUsage): void {
    if (this.#hosts.has(id)) this.#usage.set(id, usage);
  }

  setLiveness(id: string, liveness: VdsLiveness): void {
    if (this.#hosts.has(id)) this.#liveness.set(id, liveness);
  }

  delete(id: string): boolean {
    if (!this.#remove(id)) return false;
    this.#watchers.tell(id, undefined);
    return true;
  }

  /** Takes the host, as it is to be from now on, out of another set, with all that is known of it. */
  takeOver(vds: Vds, from: VdsRepository): void {
    const usage = from.usage(vds.id);
    const liveness = from.liveness(vds.id);
    from.#remove(vds.id);
    if (usage !== undefined) this.#usage.set(vds.id, usage);
    if (liveness !== undefined) this.#liveness.set(vds.id, liveness);
    this.put(vds);
  }

  view(): ReadView<Vds> {
    return this.#versioned.view();
  }

  /** Grows with every change. */
  get version(): number {
    return this.#versioned.version;
  }

  watch(id: string, watcher: Watcher<Vds>): () => void {
    return this.#watchers.add(id, watcher);
  }

  #remove(id: string): boolean {
    const before = this.#hosts.get(id);
    if (before === undefined) return false;
    this.#hosts.delete(id);
    this.#usage.delete(id);
    this.#liveness.delete(id);
    this.#byCluster.move(id, before.static.clusterId, null);
    this.#byStatus.move(id, before.dynamic.status, null);
    this.#versioned.changed();
    return true;
  }
}
