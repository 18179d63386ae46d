import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Scheduler, Timer } from '../kernel/index.js';
import type { Condition } from './condition.js';
import { Port } from './port.js';
import { type Ask, garbageBody, respond } from './rpc.js';
import type { WireAgent } from './wire-agent.js';

/** A request larger than this is no question to an agent. */
const MAX_REQUEST = 1 << 20;
/** Longer than any sensible interval of polls: pollers shall find their connection open. */
const KEEP_ALIVE_MS = 120_000;
/** Pause between two bytes of a slow loris. */
const DRIP_MS = 1000;

export interface HttpAgentOptions {
  readonly scheduler: Scheduler;
  readonly name: string;
  readonly address: string;
  /** 0 = any; kept from the first opening on. */
  readonly port: number;
  readonly ask: Ask;
  readonly condition: () => Condition;
  readonly onProblem: (message: string) => void;
}

/** One agent on the wire: POST /jsonrpc, and every way in which an agent can fail its callers. */
export class HttpAgent implements WireAgent {
  readonly #options: HttpAgentOptions;
  readonly #timers = new Set<Timer>();
  readonly #port: Port;
  #garbage = 0;

  constructor(options: HttpAgentOptions) {
    const { scheduler, name, address, port, onProblem } = options;
    this.#options = options;
    this.#port = new Port({
      ...{ scheduler, name, address, port, onProblem },
      make: () =>
        createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => this.#serve(request, response)),
      disconnect: (server) => (server as Server).closeAllConnections(),
    });
  }

  get port(): number {
    return this.#port.number;
  }

  async start(): Promise<void> {
    await this.#port.start();
    if (this.#options.condition().kind === 'refuse') await this.#port.turn('closed');
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    await this.#port.stop();
  }

  /** Who waits for an answer that will not come is let go. */
  apply(now: Condition, before: Condition): void {
    if (now.kind === 'refuse') void this.#port.turn('closed');
    else if (before.kind === 'refuse') void this.#port.turn('open');
    else if (before.kind === 'hang' || before.kind === 'stall' || before.kind === 'loris') this.#disconnect();
  }

  disturb(): void {
    this.#disconnect();
  }

  #disconnect(): void {
    (this.#port.server as Server | null)?.closeAllConnections();
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    // A caller who goes away in the middle is no failure of the agent.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    if (request.url !== '/jsonrpc') plain(response, 404, 'POST /jsonrpc is all there is');
    else if (request.method !== 'POST') plain(response, 405, 'Only POST is understood', { allow: 'POST' });
    else this.#read(request, response);
  }

  #read(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_REQUEST) chunks.push(chunk);
      else if (!response.headersSent) plain(response, 413, 'The request is too large', { connection: 'close' });
    });
    request.on('end', () => {
      if (size <= MAX_REQUEST) this.#answer(Buffer.concat(chunks).toString('utf8'), response);
    });
  }

  #answer(body: string, response: ServerResponse): void {
    const condition = this.#options.condition();
    switch (condition.kind) {
      case 'hang':
        return;
      case 'refuse':
        // The port is closing, and this connection with it.
        response.destroy();
        return;
      case 'garbage':
        this.#garbage += 1;
        this.#send(response, garbageBody(this.#garbage));
        return;
      case 'cut':
        this.#cut(response, respond(body, this.#options.ask));
        return;
      case 'loris':
        this.#drip(response, respond(body, this.#options.ask));
        return;
      case 'stall':
        this.#stall(response, respond(body, this.#options.ask));
        return;
      case 'length':
        this.#wrongLength(response, respond(body, this.#options.ask));
        return;
      case 'drop':
        // An answer, and the connection is closed.
        response.setHeader('connection', 'close');
        this.#sendJson(response, respond(body, this.#options.ask));
        return;
      case 'slow':
        this.#afterFor(response, condition.delayMs, () => this.#sendJson(response, respond(body, this.#options.ask)));
        return;
      // Certificates are no matter of HTTP without TLS.
      case 'expired':
      case 'ok':
      case 'error':
        this.#sendJson(response, respond(body, this.#options.ask));
    }
  }

  #sendJson(response: ServerResponse, body: string): void {
    this.#send(response, { type: 'application/json', body });
  }

  #send(response: ServerResponse, { type, body }: { type: string; body: string }): void {
    response.writeHead(200, { 'content-type': type, 'content-length': body.length });
    response.end(body, 'latin1');
  }

  #cut(response: ServerResponse, body: string): void {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.write(body.slice(0, Math.floor(body.length / 2)), 'latin1', () => response.destroy());
  }

  /** Half of the body, and no more. */
  #stall(response: ServerResponse, body: string): void {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.write(body.slice(0, Math.floor(body.length / 2)), 'latin1');
  }

  /** A length that is not the body's: what is left of it stands where the next answer should begin. */
  #wrongLength(response: ServerResponse, body: string): void {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Math.max(0, body.length - 7) });
    response.end(body, 'latin1');
  }

  #drip(response: ServerResponse, body: string): void {
    let sent = 0;
    const next = (): void => {
      if (sent === body.length) {
        response.end();
        return;
      }
      response.write(body.charAt(sent), 'latin1');
      sent += 1;
      this.#afterFor(response, DRIP_MS, next);
    };
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    next();
  }

  /** Does something later, unless the caller has gone by then. */
  #afterFor(response: ServerResponse, ms: number, act: () => void): void {
    const forget = (): void => {
      this.#timers.delete(timer);
      timer.cancel();
      response.off('close', forget);
    };
    const timer = this.#options.scheduler.after(
      ms,
      () => {
        forget();
        act();
      },
      'simulator-wire',
    );
    this.#timers.add(timer);
    response.on('close', forget);
  }
}

function plain(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'text/plain', ...headers });
  response.end(`${text}\n`);
}
