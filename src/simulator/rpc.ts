import type { AgentAnswer } from './agent.js';
import { json, quote } from './text.js';

export type Ask = (method: string, params: Readonly<Record<string, unknown>>) => AgentAnswer;

/** The answer to one JSON-RPC 2.0 request, both as text; it is ASCII whatever was asked. */
export function respond(body: string, ask: Ask): string {
  let request: unknown;
  try {
    request = JSON.parse(body);
  } catch {
    return failure(null, -32700, 'Parse error');
  }
  if (typeof request !== 'object' || request === null || Array.isArray(request)) {
    return failure(null, -32600, 'Invalid request: one object with jsonrpc, method and id is expected');
  }
  const { jsonrpc, method, params, id } = request as Readonly<Record<string, unknown>>;
  if (typeof id !== 'string' && typeof id !== 'number') return failure(null, -32600, 'Invalid request: it has no id');
  if (jsonrpc !== '2.0') return failure(id, -32600, 'Invalid request: jsonrpc is not "2.0"');
  if (typeof method !== 'string') return failure(id, -32600, 'Invalid request: it has no method');
  if (typeof (params ?? {}) !== 'object' || Array.isArray(params)) {
    return failure(id, -32602, 'Invalid params: an object with named members is expected');
  }
  const answer = ask(method, (params ?? {}) as Readonly<Record<string, unknown>>);
  if ('error' in answer) return failure(id, answer.error.code, answer.error.message);
  return `{"jsonrpc":"2.0","id":${json(id)},"result":${answer.result}}`;
}

function failure(id: string | number | null, code: number, message: string): string {
  return `{"jsonrpc":"2.0","id":${json(id)},"error":{"code":${code},"message":${quote(message)}}}`;
}

/** Things that come instead of an answer, in turn. */
export function garbageBody(n: number): { readonly type: string; readonly body: string } {
  const type = 'application/json';
  switch (n % 5) {
    case 0:
      return { type, body: '\u0000\u00ff\u001b[2J} not {"json"' };
    case 1:
      return { type: 'text/html', body: '<html><body><h1>It works!</h1></body></html>' };
    case 2:
      return { type, body: '{"jsonrpc":"2.0","id":1,"result":[{"vmId":"11111111-' };
    case 3:
      return { type, body: '{"jsonrpc":"2.0","id":"of-somebody-else","result":{}}' };
    default:
      return { type, body: '[42,null,"answer"]' };
  }
}
