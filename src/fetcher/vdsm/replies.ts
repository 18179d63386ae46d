import type { Telemetry, VurtiError } from '../../kernel/index.js';
import { asAgentError, badAnswer, type Question } from '../agent-errors.js';
import type { AgentQuestion } from '../agent-fetcher.js';
import { isObject } from '../decode/reader.js';
import { idOf } from '../differential/envelope.js';
import { answerOf, resultOf } from '../rpc.js';
import type { AgentCalls } from './agent-calls.js';

export interface RepliesOptions {
  readonly calls: AgentCalls;
  readonly telemetry: Telemetry;
  /** The agent is out of workers (1100). */
  readonly onBusy: () => void;
}

/** Finds whose answer a message is, and ends that call with it. */
export class Replies {
  readonly #options: RepliesOptions;
  #heard = false;

  constructor(options: RepliesOptions) {
    this.#options = options;
  }

  /** Whether an answer to anything has come since `begin()`: the way of answers is open. */
  get heard(): boolean {
    return this.#heard;
  }

  /** A new connection. */
  begin(): void {
    this.#heard = false;
  }

  /** `about`: what errors name that belong to no call. Gives whether the bytes are kept by somebody. */
  take(about: Question, body: Buffer): boolean {
    if (this.#read(body)) return true;
    this.#parse(about, body);
    return false;
  }

  #parse(about: Question, body: Buffer): void {
    const { calls } = this.#options;
    let answer: unknown;
    try {
      answer = answerOf(about, body);
    } catch {
      this.#unreadable(body);
      return;
    }
    const id = isObject(answer) ? (answer['id'] ?? null) : null;
    if (id === null) {
      // An agent that could not read a request does not know which one it was.
      calls.failFlying((question) => failureOf(question, () => resultOf(question, '', answer)));
      return;
    }
    this.#heard = true;
    const known = typeof id === 'string' && calls.settle(id, (question) => this.#resultOf(question, id, answer));
    // Late, or not for us: nothing to be made of it.
    if (!known) this.#options.telemetry.count('vurti_agent_frames_ignored_total');
  }

  /** Answers that are read without being parsed, by those who can. */
  #read(body: Buffer): boolean {
    const { calls } = this.#options;
    const id = calls.hasReaders ? idOf(body) : undefined;
    if (id === undefined) return false;
    const page = calls.flying().get(id)?.question.read?.(body, id);
    if (page === undefined) return false;
    this.#heard = true;
    return calls.settle(id, () => page);
  }

  #resultOf(question: AgentQuestion, id: string, answer: unknown): unknown {
    try {
      return resultOf(question, id, answer);
    } catch (error) {
      const ours = asAgentError(error, question);
      if (ours.code === 'AGENT_BUSY') this.#options.onBusy();
      throw ours;
    }
  }

  /** Whose answer it was shows in the bytes, if it shows at all; else it could be anybody's. */
  #unreadable(body: Buffer): void {
    const { calls } = this.#options;
    const errorFor = (question: AgentQuestion): VurtiError => failureOf(question, () => answerOf(question, body));
    const id = [...calls.flying().keys()].find((candidate) => body.includes(candidate));
    if (id === undefined) calls.failFlying(errorFor);
    else {
      calls.settle(id, (question) => {
        throw errorFor(question);
      });
    }
  }
}

/** What reading an answer throws that is known to be none. */
function failureOf(question: AgentQuestion, read: () => unknown): VurtiError {
  try {
    read();
  } catch (error) {
    return asAgentError(error, question);
  }
  return badAnswer(question, 'it belongs to no request');
}
