import { randomUUID } from 'node:crypto';

/** Source of identifiers that must not repeat: UUIDs in production, counted ones in tests. */
export interface Ids {
  uuid(): string;
}

export const systemIds: Ids = { uuid: () => randomUUID() };

/** 00000000-0000-4000-8000-000000000001, …2, …3: reproducible runs. */
export class CountedIds implements Ids {
  #next = 1;

  uuid(): string {
    return `00000000-0000-4000-8000-${String(this.#next++).padStart(12, '0')}`;
  }
}
