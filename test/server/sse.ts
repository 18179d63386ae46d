import type { StreamFrames } from '../../src/server/index.js';

export interface Frame {
  readonly event: string;
  readonly id: string;
  readonly data: Record<string, unknown>;
}

/** Frames of a text of server-sent events, as a client by the standard would read them. A rest that is not whole stays. */
export function framesOf(text: string): { readonly frames: Frame[]; readonly rest: string } {
  const blocks = text.split('\n\n');
  const rest = blocks.pop() ?? '';
  const frames: Frame[] = [];
  for (const block of blocks) {
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      const match = /^(\w*): ?(.*)$/.exec(line);
      if (match?.[1] !== undefined && match[1] !== '') fields.set(match[1], match[2] ?? '');
    }
    const data = fields.get('data');
    if (data === undefined) continue;
    const event = (fields.get('event') ?? 'message') as keyof StreamFrames;
    frames.push({ event, id: fields.get('id') ?? '', data: JSON.parse(data) as Record<string, unknown> });
  }
  return { frames, rest };
}
