import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { asVurtiError, VurtiError } from '../../kernel/index.js';
import { PROBLEM_TYPE, problemOf } from './problem.js';

/** On every answer: how far the service is. */
export interface StateHeaders {
  readonly 'x-vurti-status': string;
  readonly 'x-vurti-remaining': string;
}

export const loading: StateHeaders = { 'x-vurti-status': 'loading', 'x-vurti-remaining': 'unknown' };

/** Nothing here is for other sites: not to read, not to frame, not to load. A page of ours says what it needs itself. */
export const safeHeaders = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
} as const;

/** While nothing else is loaded: /livez says so, all else is not ready yet. `check` throws what refuses the request. */
export function answerAlone(
  request: IncomingMessage,
  response: ServerResponse,
  check: (request: IncomingMessage) => void,
  phase: string,
): void {
  const say = (status: number, type: string, body: unknown, further: Record<string, string | number> = {}): void => {
    const text = JSON.stringify(body);
    const head = { ...loading, ...safeHeaders, 'content-type': type, 'content-length': Buffer.byteLength(text) };
    // What else the request may bring is not read.
    const hasBody = 'content-length' in request.headers || 'transfer-encoding' in request.headers;
    response.writeHead(status, { ...head, ...further, ...(hasBody ? { connection: 'close' } : {}) });
    response.end(request.method === 'HEAD' ? undefined : text);
  };
  try {
    check(request);
    const reads = request.method === 'GET' || request.method === 'HEAD';
    if (reads && request.url?.split('?', 1)[0] === '/livez') {
      say(200, 'application/json; charset=utf-8', { status: 'alive' });
      return;
    }
    throw new VurtiError('NOT_READY', `The service is starting: ${phase}`);
  } catch (error) {
    const problem = problemOf(asVurtiError(error, 'The request failed'));
    say(problem.status, PROBLEM_TYPE, problem, problem.retryable ? { 'retry-after': 1 } : {});
  }
}

/** What is not HTTP at all, or too slow, gets a proper answer too, where the socket still takes one. */
export function refuseSocket(error: Error & { code?: string }, socket: Socket, state: StateHeaders): void {
  const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const large = error.code === 'HPE_HEADER_OVERFLOW';
  const [code, phrase] = late
    ? [408, 'Request Timeout']
    : large
      ? [431, 'Request Header Fields Too Large']
      : [400, 'Bad Request'];
  const text = late
    ? 'The request took too long to arrive'
    : large
      ? 'The header of the request is too large'
      : 'This is not HTTP';
  const body = JSON.stringify(problemOf(new VurtiError('BAD_REQUEST', text), code));
  if (socket.writable && error.code !== 'ECONNRESET') {
    socket.write(
      `HTTP/1.1 ${code} ${phrase}\r\nconnection: close\r\nx-vurti-status: ${state['x-vurti-status']}\r\nx-vurti-remaining: ${state['x-vurti-remaining']}\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  }
  socket.destroy();
}
