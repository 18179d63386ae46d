/** A place in the order of names (by code unit), then of ids. It stays good when its entity is gone. */
export interface NamePlace {
  readonly name: string;
  readonly id: string;
}

interface Chunk {
  readonly names: string[];
  readonly ids: string[];
}

/** Entries of a chunk at most: an insertion moves half of them. */
const MOST = 512;

/**
 * Ids in the order of their names (by code unit), then of their ids. A list of many short sorted lists: an insertion into a
 * million costs microseconds and no turn of the loop sorts them all.
 */
export class NameIndex {
  readonly #chunks: Chunk[] = [];
  #version = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** One of the two is null when the entity comes or goes. */
  move(id: string, from: string | null, to: string | null): void {
    if (from === to) return;
    if (from !== null) this.#remove({ name: from, id });
    if (to !== null) this.#add({ name: to, id });
  }

  named(name: string): string[] {
    const found: string[] = [];
    for (const place of this.after({ name, id: '' })) {
      if (place.name !== name) break;
      found.push(place.id);
    }
    return found;
  }

  /** From the place on, without itself; null = from the beginning. It may be changed while it is read. */
  *after(place: NamePlace | null): Generator<NamePlace, void, void> {
    let last = place;
    let [at, i] = last === null ? [0, 0] : this.#beyond(last);
    let version = this.#version;
    for (;;) {
      if (version !== this.#version) {
        version = this.#version;
        [at, i] = last === null ? [0, 0] : this.#beyond(last);
      }
      const chunk = this.#chunks[at];
      if (chunk === undefined) return;
      const [name, id] = [chunk.names[i], chunk.ids[i]];
      if (name === undefined || id === undefined) {
        at += 1;
        i = 0;
        continue;
      }
      i += 1;
      last = { name, id };
      yield last;
    }
  }

  #add(place: NamePlace): void {
    this.#version += 1;
    this.#size += 1;
    const at = Math.min(this.#chunkOf(place), Math.max(0, this.#chunks.length - 1));
    const chunk = this.#chunks[at];
    if (chunk === undefined) {
      this.#chunks.push({ names: [place.name], ids: [place.id] });
      return;
    }
    const i = firstNotBefore(chunk, place);
    chunk.names.splice(i, 0, place.name);
    chunk.ids.splice(i, 0, place.id);
    if (chunk.names.length <= MOST) return;
    // At the end the full chunk stays full: names that come in order leave no half-empty ones behind.
    const half = at === this.#chunks.length - 1 && i === MOST ? MOST : MOST / 2;
    this.#chunks.splice(at + 1, 0, { names: chunk.names.splice(half), ids: chunk.ids.splice(half) });
  }

  #remove(place: NamePlace): void {
    const at = this.#chunkOf(place);
    const chunk = this.#chunks[at];
    if (chunk === undefined) return;
    const i = firstNotBefore(chunk, place);
    if (chunk.ids[i] !== place.id || chunk.names[i] !== place.name) return;
    this.#version += 1;
    this.#size -= 1;
    chunk.names.splice(i, 1);
    chunk.ids.splice(i, 1);
    if (chunk.ids.length === 0) this.#chunks.splice(at, 1);
  }

  /** The first chunk that ends at the place or beyond it. */
  #chunkOf(place: NamePlace): number {
    return lowest(this.#chunks.length, (at) => {
      const chunk = this.#chunks[at] as Chunk;
      return !isBefore(chunk, chunk.ids.length - 1, place);
    });
  }

  #beyond(place: NamePlace): [chunk: number, i: number] {
    const at = this.#chunkOf(place);
    const chunk = this.#chunks[at];
    if (chunk === undefined) return [at, 0];
    const i = firstNotBefore(chunk, place);
    return [at, chunk.ids[i] === place.id && chunk.names[i] === place.name ? i + 1 : i];
  }
}

function isBefore({ names, ids }: Chunk, i: number, place: NamePlace): boolean {
  const name = names[i] as string;
  return name < place.name || (name === place.name && (ids[i] as string) < place.id);
}

const firstNotBefore = (chunk: Chunk, place: NamePlace): number =>
  lowest(chunk.ids.length, (i) => !isBefore(chunk, i, place));

/** The lowest number below `end` for which it is true, and for all after it; `end` where there is none. */
function lowest(end: number, isTrue: (i: number) => boolean): number {
  let [low, high] = [0, end];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isTrue(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
