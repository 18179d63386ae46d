import type { StreamFrames } from '../server/index.js';

/** A frame of the event stream. `id`: go on after it. */
export type SseFrame = {
  readonly [K in keyof StreamFrames]: { readonly event: K; readonly id: string; readonly data: StreamFrames[K] };
}[keyof StreamFrames];

/** Takes server-sent events apart, in whatever pieces they come. Comments and what is not whole yet give nothing. */
export class SseParser {
  readonly #decoder = new TextDecoder();
  #rest = '';

  push(bytes: Uint8Array): readonly SseFrame[] {
    this.#rest += this.#decoder.decode(bytes, { stream: true });
    const blocks = this.#rest.split('\n\n');
    this.#rest = blocks.pop() ?? '';
    return blocks.flatMap((block) => {
      const fields = new Map<string, string>();
      for (const line of block.split('\n')) {
        const colon = line.indexOf(':');
        if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trimStart());
      }
      const data = fields.get('data');
      if (data === undefined) return [];
      const frame = { event: fields.get('event') ?? '', id: fields.get('id') ?? '', data: JSON.parse(data) as unknown };
      return [frame as unknown as SseFrame];
    });
  }
}
