import type { Connection, Submittable } from 'pg';

/** Bind, Execute and Sync of a statement that the session has prepared; it gives no rows. */
export class BoundQuery implements Submittable {
  /** pg gives a query without one a callback of its own. */
  readonly callback = (): void => undefined;
  /** Number of rows that were changed. */
  readonly done: Promise<number>;
  readonly #messages: Buffer;
  #rows = 0;
  #resolve: (rows: number) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  /** @param messages not to be changed before `done`, nor ever if that fails. */
  constructor(messages: Buffer) {
    this.#messages = messages;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  submit({ stream }: Connection): void {
    stream.write(this.#messages);
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#rows = Number(text.split(' ').at(-1));
  }

  handleReadyForQuery(): void {
    this.#resolve(this.#rows);
  }

  handleError(error: unknown): void {
    this.#reject(error);
  }
}
