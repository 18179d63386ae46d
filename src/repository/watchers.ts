export type Watcher<T> = (current: T | undefined) => void;

/**
 * Listeners by entity: a change costs one lookup, however many entities are watched. A listener that throws disturbs
 * neither the writer nor the other listeners; its error becomes an uncaught exception, as with the streams.
 */
export class Watchers<T> {
  readonly #byId = new Map<string, Set<Watcher<T>>>();

  /** The listener gets the entity after each change, undefined when it is removed. Returns how to stop. */
  add(id: string, watcher: Watcher<T>): () => void {
    let listeners = this.#byId.get(id);
    if (listeners === undefined) {
      listeners = new Set();
      this.#byId.set(id, listeners);
    }
    listeners.add(watcher);
    return () => {
      listeners.delete(watcher);
      if (listeners.size === 0 && this.#byId.get(id) === listeners) this.#byId.delete(id);
    };
  }

  tell(id: string, current: T | undefined): void {
    const listeners = this.#byId.get(id);
    if (listeners === undefined) return;
    for (const listener of [...listeners]) {
      try {
        listener(current);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  get size(): number {
    return this.#byId.size;
  }
}
