import type { CompiledQuery } from 'kysely';
import type { Connection, Submittable } from 'pg';

/**
 * The names under which statements are prepared, and what each session has of them. A session keeps what it prepared:
 * only for texts that are made once, and of which there are few.
 */
export class Prepared {
  readonly #names = new Map<string, string>();
  readonly #sessions = new WeakMap<Connection, Map<string, 'ready' | 'doubtful'>>();

  nameOf(text: string): string {
    let name = this.#names.get(text);
    if (name === undefined) {
      name = `vurti_${this.#names.size}`;
      this.#names.set(text, name);
    }
    return name;
  }

  of(session: Connection): Map<string, 'ready' | 'doubtful'> {
    let known = this.#sessions.get(session);
    if (known === undefined) {
      known = new Map();
      this.#sessions.set(session, known);
    }
    return known;
  }
}

/**
 * Statements of which none needs the answer of another, sent in one piece and answered in one piece. Outside of a
 * transaction block they are a transaction of their own, which the end of the piece commits; the first one that fails ends
 * all of it.
 */
export class PipelinedQuery implements Submittable {
  /** pg gives a query without one a callback of its own. */
  readonly callback = (): void => undefined;
  /** What each statement is said to have done, e.g. UPDATE 1. */
  readonly done: Promise<readonly string[]>;
  readonly #statements: readonly CompiledQuery[];
  readonly #last: Buffer | null;
  readonly #prepared: Prepared;
  readonly #new: string[] = [];
  readonly #tags: string[] = [];
  #known: Map<string, 'ready' | 'doubtful'> = new Map();
  #resolve: (tags: readonly string[]) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  /**
   * @param statements their values are texts, numbers and null.
   * @param last messages of one more statement, its sync included; not to be changed before `done`, nor ever if that fails.
   */
  constructor(statements: readonly CompiledQuery[], last: Buffer | null, prepared: Prepared) {
    this.#statements = statements;
    this.#last = last;
    this.#prepared = prepared;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  submit(connection: Connection): void {
    const { stream } = connection;
    this.#known = this.#prepared.of(connection);
    stream.cork();
    for (const { sql, parameters } of this.#statements) {
      const statement = this.#prepare(connection, sql);
      connection.bind({ statement, values: parameters.map(textOf) }, true);
      connection.execute({}, true);
    }
    if (this.#last === null) connection.sync();
    else stream.write(this.#last);
    stream.uncork();
  }

  #prepare(connection: Connection, text: string): string {
    const name = this.#prepared.nameOf(text);
    const known = this.#known.get(name);
    if (known === 'ready' || this.#new.includes(name)) return name;
    // Where it was prepared in vain the name may be taken or not: closing what is not there is no error.
    if (known === 'doubtful') connection.close({ type: 'S', name }, true);
    connection.parse({ name, text, types: [] }, true);
    this.#new.push(name);
    return name;
  }

  handleDataRow(): void {
    // Only the number of rows counts.
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#tags.push(text);
  }

  handleReadyForQuery(): void {
    for (const name of this.#new) this.#known.set(name, 'ready');
    this.#resolve(this.#tags);
  }

  handleError(error: unknown): void {
    for (const name of this.#new) this.#known.set(name, 'doubtful');
    this.#reject(error);
  }
}

function textOf(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}
