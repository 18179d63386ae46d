import { type Clock, type Scheduler, seconds, type Timer } from '../../kernel/index.js';

/**
 * What we promise to send within, and what we ask the agent to send within. Constants: the engine's library writes what
 * was agreed back to its policy, so that each reconnect shortens it. Our asking costs the agent one byte.
 */
const PROMISED_MS = seconds(30);
const WANTED_MS = seconds(15);

/** Header of CONNECT. */
export const heartBeatHeader = `${PROMISED_MS},${WANTED_MS}`;

/** The agent closes the connection at once when we are late: it hears from us twice in the time it waits. */
const SENT_SHARE = 1 / 3;
/** The agent is given up after half as much time again as it was to send within. */
const SILENCE_SHARE = 1.5;
/** An agent that promises nothing or too little for our taste is looked at so often at least. */
const LONGEST_MS = seconds(300);
/** A timer that is this late has been held up together with the reading of the socket. */
const HELD_UP_MS = seconds(1);
/** A frame that has begun must be whole within this; no answer takes longer, unless it is meant to. */
const FRAME_MS = seconds(120);
/** What was written must leave within this. */
const BLOCKED_MS = seconds(60);

export interface HeartBeatOptions {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** Sends one line end; called only if nothing else was sent. */
  readonly beat: () => void;
  /** The agent is not there any more, as far as one can tell; `what` says by what. Nothing is called after it. */
  readonly silent: (what: string) => void;
}

/** Signs of life of one connection, both ways, with one timer. */
export class HeartBeats {
  readonly #options: HeartBeatOptions;
  #timer: Timer | null = null;
  #sendWithin = 0;
  #hearWithin = 0;
  #sentAt = 0;
  #heardAt = 0;
  #frameBeganAt: number | null = null;
  #blockedAt: number | null = null;

  constructor(options: HeartBeatOptions) {
    this.#options = options;
  }

  /** `agreed`: the heart-beat header of CONNECTED. What cannot be read agrees nothing. */
  start(agreed: string | undefined): void {
    const [, sends, wants] = /^\s*(\d{1,9})\s*,\s*(\d{1,9})\s*$/.exec(agreed ?? '') ?? [];
    const agentSends = Number(sends ?? 0);
    const agentWants = Number(wants ?? 0);
    this.#sendWithin = agentWants === 0 ? 0 : Math.max(1000, Math.min(PROMISED_MS, agentWants)) * SENT_SHARE;
    this.#hearWithin = agentSends === 0 ? 0 : Math.min(Math.max(WANTED_MS, agentSends) * SILENCE_SHARE, LONGEST_MS);
    this.#sentAt = this.#heardAt = this.#options.clock.monotonic();
    this.#arm();
  }

  sent(): void {
    this.#sentAt = this.#options.clock.monotonic();
  }

  /** Any byte; `withinFrame`: whether a frame is unfinished, and whether it is the one it was before. */
  heard(frame: 'none' | 'new' | 'same'): void {
    const now = this.#options.clock.monotonic();
    this.#heardAt = now;
    if (frame === 'none') this.#frameBeganAt = null;
    else if (frame === 'new') this.#frameBeganAt = now;
  }

  blocked(is: boolean): void {
    if (!is) this.#blockedAt = null;
    else this.#blockedAt ??= this.#options.clock.monotonic();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #arm(): void {
    const { clock, scheduler } = this.#options;
    const due = Math.min(
      this.#sendWithin === 0 ? Infinity : this.#sentAt + this.#sendWithin,
      this.#hearWithin === 0 ? Infinity : this.#heardAt + this.#hearWithin,
      clock.monotonic() + seconds(30),
    );
    this.#timer = scheduler.at(due, () => this.#check(due), 'heart-beat');
  }

  #check(due: number): void {
    const { clock, scheduler, beat, silent } = this.#options;
    const now = clock.monotonic();
    const gone = this.#goneBy(now);
    if (gone !== null) {
      if (now - due < HELD_UP_MS) {
        this.#timer = null;
        silent(gone);
        return;
      }
      // It was we who did not listen: what has come meanwhile is read first.
      this.#timer = scheduler.after(HELD_UP_MS, () => this.#check(clock.monotonic()), 'heart-beat');
      return;
    }
    if (this.#sendWithin > 0 && now >= this.#sentAt + this.#sendWithin) {
      this.#sentAt = now;
      // What waits to be written is a sign of life when it leaves.
      if (this.#blockedAt === null) beat();
    }
    this.#arm();
  }

  #goneBy(now: number): string | null {
    const since = (from: number): string => `${Math.round((now - from) / 1000)} s`;
    if (this.#hearWithin > 0 && now >= this.#heardAt + this.#hearWithin) {
      return `sent no sign of life for ${since(this.#heardAt)}`;
    }
    if (this.#frameBeganAt !== null && now >= this.#frameBeganAt + FRAME_MS) {
      return `has not ended a message that it began ${since(this.#frameBeganAt)} ago`;
    }
    if (this.#blockedAt !== null && now >= this.#blockedAt + BLOCKED_MS) {
      return `has taken nothing of what was sent for ${since(this.#blockedAt)}`;
    }
    return null;
  }
}
