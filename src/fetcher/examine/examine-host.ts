import { lookup } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import {
  type Clock,
  type ErrorCode,
  type Ids,
  type Random,
  type Scheduler,
  seconds,
  VurtiError,
  withDeadline,
} from '../../kernel/index.js';
import type { HostEndpoint } from '../../model/index.js';
import { agentError, asAgentError, type Question } from '../agent-errors.js';
import { HttpFetcher } from '../http/http-fetcher.js';
import type { Fetcher } from '../ports.js';
import { transportError } from '../transport-errors.js';
import { encrypted, type Sockets, sessionOf } from '../vdsm/sockets.js';
import { VdsmFetcher } from '../vdsm/vdsm-fetcher.js';
import { type Diagnosis, diagnose } from './diagnosis.js';

const steps = {
  vdsm: [
    ...(['resolve', 'connect', 'tls', 'stomp', 'ping2'] as const),
    ...(['getCapabilities', 'getStats', 'getAllVmStats', 'heart-beat'] as const),
  ],
  http: ['resolve', 'connect', 'tls', 'ping2', 'getCapabilities', 'getStats', 'getAllVmStats'],
} as const;
export type ExamStepName = (typeof steps.vdsm)[number];

export interface ExamStep {
  readonly step: ExamStepName;
  readonly outcome: 'ok' | 'failed' | 'skipped';
  /** null: not tried. */
  readonly ms: number | null;
  /** What was found, or what went wrong; empty when there is nothing to say. */
  readonly text: string;
  readonly code: ErrorCode | null;
}

export interface Examination {
  readonly steps: readonly ExamStep[];
  /** Of the first step that failed; null = none did. */
  readonly diagnosis: Diagnosis | null;
}

export interface ExamOptions {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly ids: Ids;
  readonly random: Random;
  /** Gives the examination up. */
  readonly signal: AbortSignal;
  /** Longest wait for a usual answer, and for that of getCapabilities. Default 10 s and 60 s. */
  readonly deadlineMs?: number;
  readonly capabilitiesDeadlineMs?: number;
}

/** What one step says when it went well. */
type Step = (signal: AbortSignal) => Promise<string>;

const CONNECT_MS = seconds(5);
/** VDSM sends a line end after 15 s in which it sent nothing else. */
const HEART_BEAT_MS = seconds(25);
/** Without these nothing that follows can be tried. */
const needed: ReadonlySet<ExamStepName> = new Set(['resolve', 'connect', 'tls', 'stomp']);

/**
 * Goes the way of a poll step by step, over one connection, and says how far it comes. Asks only what a poll asks, never
 * what changes anything. Never rejects.
 */
export async function examineHost(host: HostEndpoint, options: ExamOptions): Promise<Examination> {
  const exam = new Exam(host, options);
  try {
    return await exam.run();
  } finally {
    await exam.close();
  }
}

class Exam {
  readonly #host: HostEndpoint;
  readonly #o: ExamOptions;
  readonly #ask: Question;
  #socket: Socket | null = null;
  #stream: Duplex | null = null;
  #fetcher: Fetcher | null = null;
  #address: string;
  #ping: Promise<unknown> | null = null;
  #onBytes: (() => void) | null = null;

  constructor(host: HostEndpoint, options: ExamOptions) {
    this.#host = host;
    this.#o = options;
    this.#ask = { host, method: 'connect' };
    this.#address = host.address;
  }

  async run(): Promise<Examination> {
    const done: ExamStep[] = [];
    let diagnosis: Diagnosis | null = null;
    let stopped = false;
    for (const step of steps[this.#host.protocol]) {
      if (stopped || (step === 'tls' && this.#host.tls === null)) {
        const text = stopped ? '' : 'the settings say plain';
        done.push({ step, outcome: 'skipped', ms: null, text, code: null });
        continue;
      }
      const began = this.#o.clock.monotonic();
      const elapsed = (): number => Math.round(this.#o.clock.monotonic() - began);
      try {
        const text = await this.#within(step);
        done.push({ step, outcome: 'ok', ms: elapsed(), text, code: null });
      } catch (error) {
        const ours = asAgentError(error, this.#ask);
        diagnosis ??= diagnose(step, ours, this.#host);
        stopped = needed.has(step) || this.#o.signal.aborted;
        done.push({ step, outcome: 'failed', ms: elapsed(), text: this.#said(ours), code: ours.code });
      }
    }
    return { steps: done, diagnosis };
  }

  async close(): Promise<void> {
    await this.#fetcher?.close();
    this.#stream?.destroy();
    this.#socket?.destroy();
  }

  #within(step: ExamStepName): Promise<string> {
    const { scheduler, signal, deadlineMs = seconds(10), capabilitiesDeadlineMs = seconds(60) } = this.#o;
    const limits: Partial<Record<ExamStepName, number>> = {
      ...{ resolve: CONNECT_MS, connect: CONNECT_MS, 'heart-beat': HEART_BEAT_MS },
      getCapabilities: capabilitiesDeadlineMs,
    };
    const ms = limits[step] ?? deadlineMs;
    const { code, message } = agentError(
      step === 'connect' ? 'AGENT_UNREACHABLE' : 'AGENT_TIMEOUT',
      this.#ask,
      step === 'connect'
        ? `no answer in ${ms / 1000} s: packets are dropped (not refused)`
        : `no answer in ${ms / 1000} s`,
    );
    return withDeadline(scheduler, { ms, code, message, parent: signal, label: 'examine' }, this.#steps[step]);
  }

  readonly #steps: Readonly<Record<ExamStepName, Step>> = {
    resolve: async () => {
      const { address } = this.#host;
      if (isIP(address) !== 0) return address;
      try {
        const found = await lookup(address, { all: true });
        this.#address = found[0]?.address ?? address;
        return `${address} → ${found.map((one) => one.address).join(', ')}`;
      } catch (error) {
        throw transportError(this.#ask, error);
      }
    },
    connect: async (signal) => {
      const { port } = this.#host;
      const socket = connect({ host: this.#address, port, noDelay: true });
      this.#socket = socket;
      await this.#opened(socket, 'connect', signal);
      return `${this.#address}:${port}`;
    },
    tls: async (signal) => {
      const { tls } = this.#host;
      if (tls === null || this.#socket === null) return '';
      try {
        const stream = encrypted(this.#host, tls, { socket: this.#socket });
        this.#stream = stream;
        await this.#opened(stream, 'secureConnect', signal);
        return this.#certificate(stream);
      } catch (error) {
        // Keys that cannot be read are told by Node itself.
        throw error instanceof VurtiError ? error : transportError(this.#ask, error);
      }
    },
    stomp: async (signal) => {
      const fetcher = new VdsmFetcher({ ...this.#o, sockets: this.#oneSocket() });
      this.#fetcher = fetcher;
      const ping = fetcher.call(this.#host, 'Host.ping2', {}, { signal: this.#o.signal });
      // The step after this one looks at it; if there is none, nobody does.
      ping.catch(() => undefined);
      this.#ping = ping;
      const connected = new Promise<void>((resolve) => {
        fetcher.listen(this.#host, {
          connected: () => resolve(),
          pushed: () => undefined,
          lost: () => undefined,
        });
      });
      signal.throwIfAborted();
      // An answer of any kind comes after CONNECTED; an error before it is why there was none.
      await Promise.race([connected, ping]);
      return 'CONNECTED, subscribed to its events';
    },
    ping2: async (signal) => {
      await (this.#ping ?? this.#agent().call(this.#host, 'Host.ping2', {}, { signal }));
      return '';
    },
    getCapabilities: async (signal) => {
      const { problems } = await this.#agent().getCapabilities(this.#host, { signal });
      return unread(problems.length);
    },
    getStats: async (signal) => {
      const { problems } = await this.#agent().getStats(this.#host, { signal });
      return unread(problems.length);
    },
    getAllVmStats: async (signal) => {
      const report = await this.#agent().getAllVmStats(this.#host, { signal });
      const vms = report.size === 1 ? '1 VM' : `${report.size} VMs`;
      return [vms, unread(report.problems.length)].filter((text) => text !== '').join(', ');
    },
    'heart-beat': (signal) =>
      new Promise((resolve, reject) => {
        this.#onBytes = () => resolve('the agent gives signs of life while nobody asks');
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
  };

  #agent(): Fetcher {
    this.#fetcher ??= new HttpFetcher({ ids: this.#o.ids });
    return this.#fetcher;
  }

  #opened(socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      // Stays: what breaks later is told by the step that notices it.
      socket.on('error', (error) => reject(transportError(this.#ask, error)));
      socket.once('close', () => {
        const reset = Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' });
        reject(transportError(this.#ask, reset));
      });
      socket.once(event, () => resolve());
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }

  /** The connection that there is, and no other: a second one would hide that the first was lost. */
  #oneSocket(): Sockets {
    let stream: Duplex | null = this.#stream ?? this.#socket;
    return {
      open: async () => {
        const given = stream;
        stream = null;
        if (given === null) throw Object.assign(new Error('the connection was lost'), { code: 'ECONNRESET' });
        given.on('data', () => this.#onBytes?.());
        return { stream: given, session: sessionOf(this.#host, given) };
      },
    };
  }

  #certificate(stream: TLSSocket): string {
    const { agentCertificateExpiresAt: end } = sessionOf(this.#host, stream);
    const days = end === null ? null : Math.floor((end - this.#o.clock.now()) / 86_400_000);
    const validity = days === null ? '' : `, agent certificate valid for ${days} days`;
    return `${stream.getProtocol() ?? 'TLS'}${validity}`;
  }

  /** Without the host's name and address, which stand above. */
  #said({ message }: VurtiError): string {
    const head = agentError('AGENT_ERROR', this.#ask, '').message;
    return message.startsWith(head) ? message.slice(head.length) : message;
  }
}

const unread = (problems: number): string => (problems === 0 ? '' : `${problems} values could not be read`);
