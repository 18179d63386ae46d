import { toJson } from '../convert.js';
import type { StreamFrames } from '../wire.js';

/** One frame of server-sent events. JSON has no line breaks of its own. `id`: what the client comes back with. */
export function frameText<K extends keyof StreamFrames>(event: K, id: string, data: StreamFrames[K]): string {
  return `event: ${event}\nid: ${id}\ndata: ${toJson(data)}\n\n`;
}

/** A comment: shows that the connection lives. */
export const HEARTBEAT = Buffer.from(':\n\n');
