import type { Socket } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { type Clock, messageOf, type Scheduler, type Telemetry, VurtiError } from '../kernel/index.js';
import type { ListenAddress, Monitor } from '../monitor/index.js';
import { toJson } from './convert.js';
import { allowedHosts, checkHost, checkToken } from './guard.js';
import { fromHttpLayer, problemOf } from './problem.js';
import { intentRoutes } from './routes-intents.js';
import { type MetricsOptions, metricsRoutes } from './routes-metrics.js';
import { readRoutes } from './routes-read.js';
import { serviceRoutes } from './routes-service.js';
import { streamRoutes } from './routes-stream.js';
import { writeRoutes } from './routes-write.js';

export interface ServerOptions {
  /** Undefined while the service starts: the server answers before there is a database. */
  readonly monitor: () => Monitor | undefined;
  /** What the service does while there is no monitor, for the message of NOT_READY. */
  readonly phase?: () => string;
  readonly listen: ListenAddress;
  /** Further values of the Host header to answer. */
  readonly allowedHosts?: readonly string[];
  /** Writes need it as a bearer token. */
  readonly token: string;
  /** Settings in force, without secrets. */
  readonly settings: () => readonly unknown[];
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  /** Without it there is no /metrics. */
  readonly metrics?: MetricsOptions;
  /** Readers that may follow the log at once. Default 2,000. */
  readonly maxEventStreams?: number;
  /** How long a client may take to send its request. */
  readonly requestTimeoutMs?: number;
}

export interface VurtiServer {
  /** For requests without a network, in tests. */
  readonly inject: FastifyInstance['inject'];
  /** Resolves with the base URL. @throws LISTEN_FAILED */
  listen(): Promise<string>;
  /** Answers what waits, then closes. */
  close(): Promise<void>;
}

const BODY_LIMIT = 1024 * 1024;
/** Beside those that follow the log. */
const OTHER_CONNECTIONS = 1024;
/** The state of the service in a header is this old at most. */
const STATUS_AGE_MS = 500;

export function createServer(options: ServerOptions): VurtiServer {
  const { clock, telemetry, listen } = options;
  const closing = new AbortController();
  const state = stateOf(options.monitor, clock);
  let hosts = allowedHosts(listen, options.allowedHosts ?? []);
  const requestTimeout = options.requestTimeoutMs ?? 15_000;

  const app = fastify({
    bodyLimit: BODY_LIMIT,
    requestTimeout,
    // A quiet connection is closed; longer than the longest wait of a long poll.
    connectionTimeout: 60_000,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 1000 },
    http: {
      headersTimeout: Math.min(10_000, requestTimeout),
      connectionsCheckingInterval: Math.min(2000, requestTimeout),
      maxHeaderSize: 16 * 1024,
    },
    frameworkErrors: (error, _, reply) => send(reply, error),
    clientErrorHandler: (error, socket) => refuseSocket(error, socket, state()),
  });
  const maxEventStreams = options.maxEventStreams ?? 2000;
  app.server.maxConnections = OTHER_CONNECTIONS + maxEventStreams;

  const send = (reply: FastifyReply, cause: unknown): void => {
    const { error, status: code } = fromHttpLayer(cause);
    if (error.code === 'INTERNAL') {
      const stack = cause instanceof Error ? cause.stack : undefined;
      telemetry.log('error', 'A request failed', {
        method: reply.request.method,
        url: reply.request.url,
        error: messageOf(cause),
        stack,
      });
    }
    const problem = problemOf(error, code);
    reply
      .code(problem.status)
      .headers({ ...state() })
      .type('application/problem+json; charset=utf-8')
      .send(toJson(problem));
  };

  app.setReplySerializer(toJson);
  // JSON alone: a form of another site can send text/plain without asking, but not JSON.
  app.removeContentTypeParser('text/plain');
  app.addHook('onRequest', async (request, reply) => {
    reply
      .headers({ ...state() })
      .header('cache-control', 'no-store')
      .header('x-content-type-options', 'nosniff');
    checkHost(request.headers.host, hosts);
    checkToken(request.method, request.headers.authorization, options.token);
  });
  app.setErrorHandler((error, _, reply) => send(reply, error));

  const routes: { readonly method: string; readonly pattern: RegExp }[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    const pattern = new RegExp(`^${url.replaceAll(/:\w+/g, '[^/]+')}$`);
    for (const one of [method].flat()) routes.push({ method: one, pattern });
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const allowed = routes.filter((route) => route.pattern.test(path)).map((route) => route.method);
    if (allowed.length === 0) {
      send(
        reply,
        new VurtiError('NOT_FOUND', `There is nothing at ${path.slice(0, 200)}`, { hint: 'The API is at /api/v1/.' }),
      );
      return;
    }
    reply.header('allow', allowed.join(', '));
    send(reply, { statusCode: 405, message: `${request.method} is not possible here, only ${allowed.join(', ')}` });
  });

  const monitor = (): Monitor => {
    const made = options.monitor();
    if (made !== undefined) return made;
    throw new VurtiError('NOT_READY', `The service is starting: ${options.phase?.() ?? 'not ready yet'}`);
  };
  const context = {
    monitor,
    loaded: () => {
      const made = monitor();
      if (made.progress().readiness !== 'loading') return made;
      throw new VurtiError('NOT_READY', 'The stored state is being loaded');
    },
    settings: options.settings,
    clock,
    scheduler: options.scheduler,
    telemetry,
    closing: closing.signal,
  };
  serviceRoutes(app, options.monitor, options.phase);
  if (options.metrics !== undefined) metricsRoutes(app, options.metrics, options.monitor, options.scheduler);
  readRoutes(app, context);
  streamRoutes(app, context, maxEventStreams);
  writeRoutes(app, context);
  intentRoutes(app, context);

  return {
    inject: app.inject.bind(app) as FastifyInstance['inject'],
    async listen() {
      try {
        await app.listen({ host: listen.host, port: listen.port });
      } catch (error) {
        throw new VurtiError('LISTEN_FAILED', `${textOf(listen)}: ${messageOf(error)}`, { cause: error });
      }
      const bound = app.server.address();
      const port = typeof bound === 'object' && bound !== null ? bound.port : listen.port;
      hosts = allowedHosts({ host: listen.host, port }, options.allowedHosts ?? []);
      return `http://${textOf({ host: listen.host, port })}`;
    },
    async close() {
      closing.abort();
      await app.close();
    },
  };
}

function textOf(address: ListenAddress): string {
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}

interface StateHeaders {
  readonly 'x-vurti-status': string;
  readonly 'x-vurti-remaining': string;
}

/** Counting all VMs for a header of every answer would cost more than the answer. It must not fail: errors bear it too. */
function stateOf(monitor: ServerOptions['monitor'], clock: Clock): () => StateHeaders {
  const unknown = (status: string): StateHeaders => ({ 'x-vurti-status': status, 'x-vurti-remaining': 'unknown' });
  let known = { at: Number.NEGATIVE_INFINITY, headers: unknown('loading') };
  const look = (): StateHeaders => {
    try {
      const status = monitor()?.progress();
      if (status === undefined) return unknown('loading');
      return {
        'x-vurti-status': status.condition,
        'x-vurti-remaining': status.remaining === null ? 'unknown' : String(status.remaining),
      };
    } catch {
      return unknown('degraded');
    }
  };
  return () => {
    const now = clock.monotonic();
    if (now - known.at >= STATUS_AGE_MS) known = { at: now, headers: look() };
    return known.headers;
  };
}

/** What is not HTTP at all, or too slow, gets a proper answer too, where the socket still takes one. */
function refuseSocket(error: Error & { code?: string }, socket: Socket, state: StateHeaders): void {
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
  const body = toJson(problemOf(new VurtiError('BAD_REQUEST', text), code));
  if (socket.writable && error.code !== 'ECONNRESET') {
    socket.write(
      `HTTP/1.1 ${code} ${phrase}\r\nconnection: close\r\nx-vurti-status: ${state['x-vurti-status']}\r\nx-vurti-remaining: ${state['x-vurti-remaining']}\r\ncontent-type: application/problem+json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  }
  socket.destroy();
}
