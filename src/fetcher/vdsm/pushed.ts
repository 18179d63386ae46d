import type { AgentPush, HostEndpoint } from '../../model/index.js';
import { decodePush } from '../decode/push.js';
import { isObject } from '../decode/reader.js';
import { parseJson } from '../json.js';

/** The body of a message of the event queue. null: of a kind that is not handed on. */
export function pushOf(host: HostEndpoint, body: Buffer): AgentPush | null | 'unreadable' {
  let message: unknown;
  try {
    message = parseJson(body);
  } catch {
    return 'unreadable';
  }
  // An id makes it an answer, and answers do not come this way.
  if (!isObject(message) || typeof message['method'] !== 'string' || (message['id'] ?? null) !== null) {
    return 'unreadable';
  }
  return decodePush(host, message['method'], message['params']);
}
