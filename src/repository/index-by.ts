const none: ReadonlySet<never> = new Set<never>();

/** Ids grouped by a key that an entity has one of, or none. Kept up to date by its owner at every change. */
export class IndexBy<K> {
  readonly #groups = new Map<K, Set<string>>();

  move(id: string, from: K | null | undefined, to: K | null | undefined): void {
    if (from === to) return;
    if (from !== null && from !== undefined) {
      const group = this.#groups.get(from);
      group?.delete(id);
      // An empty group is forgotten, so that hosts and clusters that are gone leave nothing behind.
      if (group?.size === 0) this.#groups.delete(from);
    }
    if (to !== null && to !== undefined) {
      const group = this.#groups.get(to);
      if (group === undefined) this.#groups.set(to, new Set([id]));
      else group.add(id);
    }
  }

  get(key: K): ReadonlySet<string> {
    return this.#groups.get(key) ?? none;
  }

  keys(): Iterable<K> {
    return this.#groups.keys();
  }
}
