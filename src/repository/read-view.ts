/**
 * All entities of a repository at one moment. Entities are immutable, so a view stays as it was however long it is
 * read; it is made at the first demand after a change and shared until the next one.
 */
export interface ReadView<T> {
  readonly version: number;
  readonly all: readonly T[];
}

export class Versioned<T> {
  readonly #entities: ReadonlyMap<string, T>;
  #version = 0;
  #view: ReadView<T> | undefined;

  constructor(entities: ReadonlyMap<string, T>) {
    this.#entities = entities;
  }

  get version(): number {
    return this.#version;
  }

  changed(): void {
    this.#version += 1;
    this.#view = undefined;
  }

  view(): ReadView<T> {
    this.#view ??= { version: this.#version, all: [...this.#entities.values()] };
    return this.#view;
  }
}
