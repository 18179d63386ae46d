import { type ErrorCode, messageOf, type VurtiError } from '../kernel/index.js';
import { agentError, badAnswer, type Question } from './agent-errors.js';
import { isObject, type JsonObject } from './decode/reader.js';
import { parseJson } from './json.js';
import type { AgentParams } from './ports.js';
import { excerpt, excerptOf } from './text.js';

/** Bytes of a body that are looked at to say what it is instead. */
const SHOWN_BYTES = 512;

/** Agent's codes that mean something else than "this method failed" (vdsm-protocol.md §3). */
const codes: ReadonlyMap<number, ErrorCode> = new Map([
  [99, 'AGENT_RECOVERING'],
  [1100, 'AGENT_BUSY'],
  [5022, 'AGENT_NETWORK'],
]);

const said: Partial<Record<ErrorCode, string>> = {
  AGENT_RECOVERING: 'answers, but is still re-adopting its VMs (code 99)',
  AGENT_BUSY: 'answers that it is out of workers (code 1100)',
  AGENT_NETWORK: 'answers that the network failed behind it (code 5022)',
};

/** Always with an id: VDSM's whole server stops answering after a request without one. */
export function requestOf(id: string, method: string, params: AgentParams): string {
  return JSON.stringify({ jsonrpc: '2.0', method, params, id });
}

export function answerOf(ask: Question, body: Buffer): unknown {
  try {
    return parseJson(body);
  } catch (error) {
    throw badAnswer(ask, messageOf(error), body.toString('utf8', 0, SHOWN_BYTES));
  }
}

/** The `result` of an answer to the request `id`, or the agent's error as ours. */
export function resultOf(ask: Question, id: string, answer: unknown): unknown {
  if (!isObject(answer)) throw badAnswer(ask, `not a JSON-RPC answer but ${excerptOf(answer)}`);
  const error = answer['error'];
  const failed = error !== undefined && error !== null;
  // An agent that could not read the request does not know its id.
  if (answer['id'] !== id && !(failed && (answer['id'] ?? null) === null)) {
    throw badAnswer(ask, `for another request (id ${excerptOf(answer['id'])})`);
  }
  if (failed) throw errorOf(ask, error);
  if (!Object.hasOwn(answer, 'result')) throw badAnswer(ask, 'neither result nor error is in it');
  return answer['result'];
}

function errorOf(ask: Question, error: unknown): VurtiError {
  const agentCode = isObject(error) ? error['code'] : undefined;
  if (!isObject(error) || typeof agentCode !== 'number') {
    throw badAnswer(ask, `its error has no code: ${excerptOf(error)}`);
  }
  const text = typeof error['message'] === 'string' ? excerpt(error['message'], 200) : '';
  const code = codes.get(agentCode) ?? 'AGENT_ERROR';
  const what = said[code] ?? `answered ${ask.method} with error ${agentCode}${text === '' ? '' : `: ${text}`}`;
  return agentError(code, ask, what, { details: { agentCode, agentMessage: text } });
}

export function objectOf(ask: Question, result: unknown): JsonObject {
  if (isObject(result)) return result;
  throw badAnswer(ask, `the result is not an object but ${excerptOf(result)}`);
}

export function listOf(ask: Question, result: unknown): readonly unknown[] {
  if (Array.isArray(result)) return result;
  throw badAnswer(ask, `the result is not a list but ${excerptOf(result)}`);
}
