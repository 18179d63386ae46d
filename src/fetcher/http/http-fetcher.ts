import { isIP } from 'node:net';
import { Duplex, type Readable } from 'node:stream';
import type { AxiosInstance, AxiosResponse } from 'axios';
import { type Ids, type Telemetry, VurtiError } from '../../kernel/index.js';
import {
  type AgentMethod,
  type AgentSettings,
  defaultSettings,
  type HostEndpoint,
  observerMethods,
} from '../../model/index.js';
import { agentError, badAnswer, type Question } from '../agent-errors.js';
import { AgentFetcher, type AgentQuestion } from '../agent-fetcher.js';
import type { VmPass } from '../differential/vm-stats-reader.js';
import { answerOf, requestOf, resultOf } from '../rpc.js';
import { excerpt } from '../text.js';
import { transportError } from '../transport-errors.js';
import { Connections, type Flight } from './connections.js';
import { HandedOverAgent } from './handed-over-agent.js';
import type { LeanAnswer } from './lean-socket.js';
import { type ByteBudget, readBeginning, readBody, TooLarge } from './read-body.js';
import { collectPages } from './vm-pages.js';

const MIB = 1_048_576;
/** VMs of one page that we ask for; an agent may allow fewer. */
const PAGE_LIMIT = 1000;
/** Bytes of an answer that are looked at to say what it is instead. */
const SHOWN_BYTES = 512;

const headers = {
  Accept: 'application/json',
  'Accept-Encoding': 'gzip',
  'Content-Type': 'application/json',
  'User-Agent': 'vurti',
};

export interface HttpFetcherOptions {
  readonly ids: Ids;
  readonly telemetry?: Telemetry;
  /** Methods that may be sent. Default: those of an observer. */
  readonly allowed?: ReadonlySet<AgentMethod>;
  /** Limits of a host: maxAnswerMiB of one answer (all pages together), maxInFlight sockets. Default: the product's. */
  readonly limitsOf?: (host: HostEndpoint) => AgentSettings;
  /** false: all goes through Node's client, as what is odd does. */
  readonly ownSockets?: boolean;
}

/**
 * Asks agents that speak our HTTP protocol: JSON-RPC 2.0 by POST /jsonrpc (docs/http-agent.md). Sets no timers: a call
 * ends by its answer, by a broken connection or by its signal.
 */
export class HttpFetcher extends AgentFetcher {
  readonly #ids: Ids;
  readonly #limitsOf: (host: HostEndpoint) => AgentSettings;
  readonly #connections: Connections;
  #client: Promise<AxiosInstance> | undefined;
  #closed = false;

  constructor(options: HttpFetcherOptions) {
    super(options.allowed ?? observerMethods, options.telemetry);
    this.#ids = options.ids;
    this.#limitsOf = options.limitsOf ?? (() => defaultSettings.agents);
    this.#connections = new Connections(options.ownSockets === false ? null : headers);
  }

  override release(hostId: string): void {
    super.release(hostId);
    this.#connections.release(hostId, new VurtiError('AGENT_ABORTED', `The connection to ${hostId} was given up`));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const hostId of this.#connections.hosts()) this.release(hostId);
  }

  protected ask(question: AgentQuestion): Promise<unknown> {
    return this.#ask(question, this.#budgetFor(question.host));
  }

  protected override askVms(question: AgentQuestion, pass: VmPass): Promise<void> {
    const budget = this.#budgetFor(question.host);
    const read = pass.reader(true);
    return collectPages(question, pass, (marker) => {
      const params = marker === undefined ? { limit: PAGE_LIMIT } : { limit: PAGE_LIMIT, marker };
      return this.#ask({ ...question, params, read }, budget);
    });
  }

  protected override recycle(bytes: Buffer): void {
    this.#connections.giveBack(bytes);
  }

  #budgetFor(host: HostEndpoint): ByteBudget {
    return { left: this.#limitsOf(host).maxAnswerMiB * MIB };
  }

  async #ask(question: AgentQuestion, budget: ByteBudget): Promise<unknown> {
    if (this.#closed) throw agentError('AGENT_ABORTED', question, 'is not asked any more: the fetcher was closed');
    const { host } = question;
    if (host.protocol !== 'http') {
      throw agentError('AGENT_PROTOCOL', question, `speaks ${host.protocol}, and this version of vurti only http`);
    }
    const url = urlOf(question);
    const id = this.#ids.uuid();
    const body = requestOf(id, question.method, question.params);
    try {
      const maxSockets = this.#limitsOf(host).maxInFlight;
      const lean = this.#connections.lean(host, maxSockets);
      const direct = lean === null ? null : await lean.ask(body, budget.left, question.signal);
      const answer =
        direct !== null && !(direct instanceof Duplex)
          ? takeAnswer(question, direct, budget)
          : await this.#byClient(question, url, body, direct, budget);
      return question.read?.(answer, id) ?? resultOf(question, id, answerOf(question, answer));
    } catch (error) {
      if (error instanceof VurtiError) throw error;
      if (error instanceof TooLarge) throw tooLarge(question, this.#limitsOf(host).maxAnswerMiB);
      throw transportError(question, error);
    }
  }

  /** By axios over Node's client. `begun`: the connection on which it was asked already, from the answer's first byte on. */
  async #byClient(
    question: AgentQuestion,
    url: string,
    body: string,
    begun: Duplex | null,
    budget: ByteBudget,
  ): Promise<Buffer> {
    const { host, signal } = question;
    let flight: Flight | undefined;
    try {
      flight = this.#connections.begin(host, this.#limitsOf(host).maxInFlight, signal);
      return await this.#post(question, url, Buffer.from(body), flight, begun, budget);
    } catch (error) {
      begun?.destroy();
      if (flight?.signal.aborted && flight.signal.reason instanceof VurtiError) throw flight.signal.reason;
      throw error;
    } finally {
      flight?.end();
    }
  }

  async #post(
    question: Question,
    url: string,
    data: Buffer,
    flight: Flight,
    begun: Duplex | null,
    budget: ByteBudget,
  ): Promise<Buffer> {
    const { signal } = flight;
    const agent = begun === null ? flight.agent : new HandedOverAgent(begun);
    this.#client ??= makeClient();
    const client = await this.#client;
    const response = await client.request<Readable>({
      // What is handed over is clear text, also where it came by TLS.
      url: begun === null ? url : url.replace(/^https:/, 'http:'),
      ...{ data, httpAgent: agent, httpsAgent: agent, signal },
    });
    const stream = response.data;
    // axios emits an abort as an error of the stream, also when nobody reads it any more.
    stream.on('error', () => undefined);
    try {
      signal.throwIfAborted();
      await assertAnswer(question, response);
      const length = Number(response.headers['content-length']);
      if (length > budget.left) throw new TooLarge();
      return await readBody(stream, budget);
    } finally {
      // After a whole body this does nothing, and the socket is kept.
      stream.destroy();
    }
  }
}

/** Loaded when an agent is odd enough to need it: it takes longer to load than all else of this folder. */
async function makeClient(): Promise<AxiosInstance> {
  const { default: axios } = await import('axios');
  return axios.create({
    adapter: 'http',
    method: 'POST',
    headers,
    responseType: 'stream',
    // The body is sent and read as it is; what a status or a body means is decided here.
    transformRequest: [],
    transformResponse: [],
    validateStatus: null,
    // A redirect could lead anywhere, a proxy of the environment sees everything.
    maxRedirects: 0,
    proxy: false,
    // No timer of its own: deadlines belong to the caller's scheduler.
    timeout: 0,
  });
}

function urlOf(question: Question): string {
  const { host } = question;
  const version = isIP(host.address);
  // Anything else in an address, "@" or "/", would send the question to another place than the one that is shown.
  if (version === 0 && !/^[\w.-]{1,255}$/.test(host.address)) {
    throw agentError('AGENT_UNKNOWN_HOST', question, 'cannot be asked: its address is no host name');
  }
  const name = version === 6 ? `[${host.address}]` : host.address;
  return `${host.tls === null ? 'http' : 'https'}://${name}:${host.port}/jsonrpc`;
}

const isJson = (type: string): boolean => type === '' || /^application\/(?:[\w.-]+\+)?json\b/i.test(type);

/** The body of an answer that came by our own socket. */
function takeAnswer(question: Question, { head, body }: LeanAnswer, budget: ByteBudget): Buffer {
  budget.left -= body.length;
  if (isJson(head.type)) return body;
  throw badAnswer(question, `content-type is ${excerpt(head.type)}, not JSON`, body.toString('utf8', 0, SHOWN_BYTES));
}

/** Status and type of the answer, before its body is read. */
async function assertAnswer(question: Question, { status, headers, data }: AxiosResponse<Readable>): Promise<void> {
  if (status >= 300 && status < 400) {
    const target = String(headers['location'] ?? 'nowhere');
    throw agentError('AGENT_REDIRECTED', question, `answered with a redirect (${status}) to ${excerpt(target, 200)}`);
  }
  const type = String(headers['content-type'] ?? '');
  if (status === 200 && isJson(type)) return;
  const what = status === 200 ? `content-type is ${excerpt(type)}, not JSON` : `HTTP status ${status}`;
  throw badAnswer(question, what, await readBeginning(data, SHOWN_BYTES));
}

function tooLarge(question: Question, maxAnswerMiB: number): VurtiError {
  const what = `answered ${question.method} with more than ${maxAnswerMiB} MiB`;
  return agentError('AGENT_ANSWER_TOO_LARGE', question, what, { details: { maxAnswerMiB } });
}
