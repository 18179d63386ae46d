import type { Connection, Submittable } from 'pg';

/** What CommandComplete says, e.g. COPY 500 or INSERT 0 500. */
interface Completed {
  readonly text: string;
}

/**
 * Several COPY … FROM STDIN and what is done with them, as one query, its data right behind it: one round trip in all. The
 * protocol allows it: a server that fails half-way reads the rest of the data and drops it.
 */
export class CopyQuery implements Submittable {
  /** pg gives a query without one a callback of its own. */
  readonly callback = (): void => undefined;
  readonly done: Promise<readonly string[]>;
  readonly #text: string;
  readonly #data: Buffer;
  readonly #tags: string[] = [];
  #resolve: (tags: readonly string[]) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  /** @param data the messages, as CopyEncoder makes them; not to be changed before `done`, nor ever if that fails. */
  constructor(text: string, data: Buffer) {
    this.#text = text;
    this.#data = data;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  submit(connection: Connection): void {
    const { stream } = connection;
    stream.cork();
    connection.query(this.#text);
    stream.write(this.#data);
    stream.uncork();
  }

  handleCopyInResponse(): void {
    // The data is on its way.
  }

  handleCommandComplete({ text }: Completed): void {
    this.#tags.push(text);
  }

  handleReadyForQuery(): void {
    this.#resolve(this.#tags);
  }

  handleError(error: unknown): void {
    this.#reject(error);
  }
}

/** One COPY … TO STDOUT. */
export class CopyOutQuery implements Submittable {
  readonly callback = (): void => undefined;
  /** Number of messages. */
  readonly done: Promise<number>;
  readonly #text: string;
  readonly #onMessage: (message: Buffer) => void;
  #messages = 0;
  #resolve: (messages: number) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  /** @param onMessage the message is gone when it returns; it must not throw. */
  constructor(text: string, onMessage: (message: Buffer) => void) {
    this.#text = text;
    this.#onMessage = onMessage;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  submit(connection: Connection): void {
    connection.query(this.#text);
  }

  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    this.#messages += 1;
    this.#onMessage(chunk);
  }

  handleCommandComplete(): void {
    // What follows is the end.
  }

  handleReadyForQuery(): void {
    this.#resolve(this.#messages);
  }

  handleError(error: unknown): void {
    this.#reject(error);
  }
}
