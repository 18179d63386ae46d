import type { Span, Tracer } from '../kernel/index.js';

/** While the database is away changes wait without end, but not their spans. */
const MOST = 1000;

/** The spans of change sets from their commit until they are kept, by their tickets, the oldest first. */
export class CommitSpans {
  #open: { readonly ticket: number; readonly span: Span }[] = [];

  begin(tracer: Tracer, ticket: number, rows: number, records: number): void {
    const span = tracer.start('commit', { rows, records });
    if (this.#open.length < MOST) this.#open.push({ ticket, span });
    else span.end();
  }

  /** All before this ticket are kept. */
  kept(before: number): void {
    if (this.#open.length === 0) return;
    const over = this.#open.filter(({ ticket }) => ticket < before);
    this.#open = this.#open.filter(({ ticket }) => ticket >= before);
    for (const { span } of over) span.end();
  }

  end(error: Error): void {
    for (const { span } of this.#open.splice(0)) span.end(error);
  }
}
