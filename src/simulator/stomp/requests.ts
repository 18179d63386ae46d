import type { Ask } from '../rpc.js';
import { json, quote } from '../text.js';
import { DEFAULT_REPLIES } from './broker.js';
import type { Workers } from './workers.js';

export interface RequestsOptions {
  readonly ask: Ask;
  readonly workers: Workers;
  /** How long a method takes now, ms. */
  readonly duration: (method: string) => number;
  readonly reply: (destination: string, text: string) => void;
  /** Something without an id came, which a VDSM does not survive. True: nor does this agent. */
  readonly onNotification: () => boolean;
  readonly onOverload: () => void;
}

type Id = string | number;

/** Names of parameters that come by position, and of those that must come. */
const parameters: Readonly<Record<string, readonly string[]>> = {
  'Host.getVMList': ['vmList', 'onlyUUID'],
  'Host.getVMFullList': ['vmList'],
  'Host.dumpxmls': ['vmList'],
  'Host.getJobs': ['job_type', 'job_ids'],
  'VM.getStats': ['vmID'],
  'VM.getMigrationStatus': ['vmID'],
  'VM.destroy': ['vmID', 'gracefulAttempts'],
};
const required: Readonly<Record<string, string>> = {
  'Host.dumpxmls': 'vmList',
  'VM.getStats': 'vmID',
  'VM.getMigrationStatus': 'vmID',
  'VM.destroy': 'vmID',
};

/**
 * JSON-RPC as VDSM serves it over STOMP (vdsm-protocol.md §3), pitfalls included: batches that nobody answers, errors
 * without id on the default destination, and one thread for all that a request without id kills.
 */
export class Requests {
  readonly #options: RequestsOptions;
  /** Where the answer to an id is wanted: one table for all connections. */
  readonly #replyTo = new Map<Id, string>();
  #dead = false;

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  get dead(): boolean {
    return this.#dead;
  }

  take(body: Buffer, replyTo: string): void {
    if (this.#dead) return;
    let message: unknown;
    try {
      message = JSON.parse(body.toString('utf8'));
    } catch {
      this.#options.reply(DEFAULT_REPLIES, errorText(null, -32700, 'Parse error'));
      return;
    }
    if (Array.isArray(message)) this.#batch(message, replyTo);
    else this.#one(message, replyTo, true);
  }

  /** The agent was started anew. */
  reset(): void {
    this.#dead = false;
    this.#replyTo.clear();
    this.#options.workers.reset();
  }

  /** Two or more are done, but the sender takes a single answer only. */
  #batch(messages: readonly unknown[], replyTo: string): void {
    if (messages.length > 0 && messages.every((message) => idOf(message) === null)) {
      this.#die();
      return;
    }
    for (const message of messages) this.#one(message, replyTo, messages.length === 1);
  }

  #one(message: unknown, replyTo: string, answered: boolean): void {
    const { jsonrpc, method, params } = (typeof message === 'object' && message !== null ? message : {}) as Readonly<
      Record<string, unknown>
    >;
    if (jsonrpc !== '2.0' || typeof method !== 'string' || typeof (params ?? {}) !== 'object') {
      if (answered) this.#options.reply(DEFAULT_REPLIES, errorText(null, -32600, 'Invalid request'));
      return;
    }
    const id = idOf(message);
    if (id === null) {
      if (answered) this.#die();
      return;
    }
    if (answered) this.#replyTo.set(id, replyTo);
    const { workers, duration, onOverload } = this.#options;
    const taken = workers.take(() => {
      // The answer is as old as the work: what happens meanwhile is not in it.
      const text = this.#answer(id, method, params);
      return {
        lasts: duration(method),
        done: () => {
          if (answered) this.#reply(id, text);
        },
      };
    });
    if (taken) return;
    onOverload();
    if (answered) this.#reply(id, errorText(id, 1100, 'Not enough resources: all workers are busy'));
  }

  #answer(id: Id, method: string, given: unknown): string {
    const names = parameters[method] ?? [];
    const params: Record<string, unknown> = {};
    // What the method does not know is left out, as it would be logged and ignored.
    for (const [n, name] of names.entries()) {
      const value: unknown = Array.isArray(given) ? given[n] : (given as Readonly<Record<string, unknown>>)?.[name];
      if (value !== undefined) params[name] = value;
    }
    const needed = required[method];
    if (needed !== undefined && params[needed] === undefined) {
      return errorText(id, -32603, `Internal JSON-RPC error: {'reason': "Required parameter '${needed}' is missing"}`);
    }
    const answer = this.#options.ask(method, params);
    return 'error' in answer
      ? errorText(id, answer.error.code, answer.error.message)
      : `{"jsonrpc": "2.0", "id": ${json(id)}, "result": ${answer.result}}`;
  }

  #reply(id: Id, text: string): void {
    const destination = this.#replyTo.get(id) ?? DEFAULT_REPLIES;
    this.#replyTo.delete(id);
    this.#options.reply(destination, text);
  }

  #die(): void {
    this.#dead = this.#options.onNotification();
  }
}

function idOf(message: unknown): Id | null {
  const id =
    typeof message === 'object' && message !== null ? (message as Readonly<Record<string, unknown>>)['id'] : null;
  return typeof id === 'string' || typeof id === 'number' ? id : null;
}

function errorText(id: Id | null, code: number, message: string): string {
  return `{"jsonrpc": "2.0", "id": ${json(id)}, "error": {"code": ${code}, "message": ${quote(message)}}}`;
}
