import { type Scheduler, seconds, type Timer, type VurtiError } from '../../kernel/index.js';
import { aborted, agentError } from '../agent-errors.js';
import type { AgentQuestion } from '../agent-fetcher.js';

/** More calls than this waiting for one agent are no longer of use to anybody. */
const MAX_WAITING = 256;
/**
 * A request that was given up is still worked on by the agent, which has 8 workers for everybody: it keeps its place for
 * so long, so that a slow agent is not given more and more to do. Not for ever, since an answer may be lost.
 */
const ABANDONED_MS = seconds(20);

interface Call {
  readonly question: AgentQuestion;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly onAbort: () => void;
  /** null: waits to be sent. */
  id: string | null;
}

/** A request whose caller has gone. */
interface Abandoned {
  readonly timer: Timer;
}

/**
 * The calls of one agent: those that wait, those that are in flight, and those given up whose answers are still to come.
 * Every call ends exactly once: by its answer, by its signal, or by `failAll`.
 */
export class AgentCalls {
  readonly #scheduler: Scheduler;
  readonly #onRoom: () => void;
  readonly #waiting: Call[] = [];
  readonly #flying = new Map<string, Call>();
  readonly #abandoned = new Map<string, Abandoned>();

  /** `onRoom`: a place in flight has become free without an answer. */
  constructor(scheduler: Scheduler, onRoom: () => void) {
    this.#scheduler = scheduler;
    this.#onRoom = onRoom;
  }

  /** What the agent works on for us, as far as we know. */
  get inFlight(): number {
    return this.#flying.size + this.#abandoned.size;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** The call, from now on waiting to be sent. */
  add(question: AgentQuestion): Promise<unknown> {
    if (question.signal.aborted) return Promise.reject(aborted(question, question.signal));
    if (this.#waiting.length >= MAX_WAITING) {
      const what = `is not asked ${question.method}: ${MAX_WAITING} calls wait for it already`;
      return Promise.reject(agentError('AGENT_QUEUE_FULL', question, what));
    }
    return new Promise((resolve, reject) => {
      const call: Call = { question, resolve, reject, onAbort: () => this.#giveUp(call), id: null };
      question.signal.addEventListener('abort', call.onAbort, { once: true });
      this.#waiting.push(call);
    });
  }

  /** The call that is to be sent next, in flight under this id from now on. */
  take(id: string): AgentQuestion | undefined {
    const call = this.#waiting.shift();
    if (call === undefined) return undefined;
    call.id = id;
    this.#flying.set(id, call);
    return call.question;
  }

  /** Whether an answer could be one that is read without being parsed. */
  get hasReaders(): boolean {
    for (const { question } of this.#flying.values()) if (question.read !== undefined) return true;
    return false;
  }

  /** Ids and questions that somebody still waits for. */
  flying(): ReadonlyMap<string, { readonly question: AgentQuestion }> {
    return this.#flying;
  }

  /** Ends one call by what `answer` gives or throws. false: nobody waits for this id. */
  settle(id: string, answer: (question: AgentQuestion) => unknown): boolean {
    const abandoned = this.#abandoned.get(id);
    if (abandoned !== undefined) {
      abandoned.timer.cancel();
      this.#abandoned.delete(id);
      return true;
    }
    const call = this.#flying.get(id);
    if (call === undefined) return false;
    this.#flying.delete(id);
    this.#end(call);
    try {
      call.resolve(answer(call.question));
    } catch (error) {
      call.reject(error);
    }
    return true;
  }

  /** Ends what is in flight: the connection that would bring the answers is gone, or nothing it says can be believed. */
  failFlying(errorFor: (question: AgentQuestion) => VurtiError): void {
    const calls = [...this.#flying.values()];
    this.#flying.clear();
    this.forgetAbandoned();
    for (const call of calls) this.#fail(call, errorFor);
  }

  failAll(errorFor: (question: AgentQuestion) => VurtiError): void {
    const waiting = this.#waiting.splice(0);
    this.failFlying(errorFor);
    for (const call of waiting) this.#fail(call, errorFor);
  }

  forgetAbandoned(): void {
    for (const { timer } of this.#abandoned.values()) timer.cancel();
    this.#abandoned.clear();
  }

  #giveUp(call: Call): void {
    const { id, question } = call;
    if (id === null) {
      const index = this.#waiting.indexOf(call);
      if (index >= 0) this.#waiting.splice(index, 1);
    } else if (this.#flying.delete(id)) {
      const timer = this.#scheduler.after(
        ABANDONED_MS,
        () => {
          this.#abandoned.delete(id);
          this.#onRoom();
        },
        'abandoned-call',
      );
      this.#abandoned.set(id, { timer });
    }
    call.reject(aborted(question, question.signal));
  }

  #fail(call: Call, errorFor: (question: AgentQuestion) => VurtiError): void {
    this.#end(call);
    call.reject(errorFor(call.question));
  }

  #end(call: Call): void {
    call.question.signal.removeEventListener('abort', call.onAbort);
  }
}
