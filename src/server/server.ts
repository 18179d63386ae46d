import type { Server as TlsServer } from 'node:https';
import { isIP, type Socket } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyServerOptions } from 'fastify';
import { type Clock, isLoopback, messageOf, type Scheduler, type Telemetry, VurtiError } from '../kernel/index.js';
import type { ListenAddress, Monitor } from '../monitor/index.js';
import type { SinkState } from '../sinks/index.js';
import { Access } from './access.js';
import { Audit } from './audit.js';
import { ServerCertificate, type TlsFiles } from './certificate.js';
import { toJson } from './convert.js';
import { allowedHosts, checkHost } from './guard.js';
import { CertificateWatch, httpOptions, LocalListener, QUIET_MS, tlsOptions, warnOfEnd } from './listeners.js';
import { fromHttpLayer, problemOf } from './problem.js';
import type { Rate } from './rate-limit.js';
import { commandRoutes } from './routes-commands.js';
import { intentRoutes } from './routes-intents.js';
import { inventoryRoutes } from './routes-inventory.js';
import { logRoutes } from './routes-log.js';
import { type MetricsOptions, metricsRoutes } from './routes-metrics.js';
import { pageRoutes } from './routes-pages.js';
import { readRoutes } from './routes-read.js';
import { type Reload, reloadRoute } from './routes-reload.js';
import { serviceRoutes } from './routes-service.js';
import { sinkRoutes } from './routes-sinks.js';
import { streamRoutes } from './routes-stream.js';
import { writeRoutes } from './routes-write.js';
import type { TokenBook } from './token-book.js';

export interface ServerOptions {
  /** Undefined while the service starts: the server answers before there is a database. */
  readonly monitor: () => Monitor | undefined;
  /** What the service does while there is no monitor, for the message of NOT_READY. */
  readonly phase?: () => string;
  readonly listen: ListenAddress;
  /** Further values of the Host header to answer. */
  readonly allowedHosts?: readonly string[];
  /** With it the service speaks TLS; commands on this machine get a loopback address of their own. */
  readonly tls?: TlsFiles;
  /** Of the service's own token file: it may do everything. */
  readonly token: string;
  /** Further tokens, by name and scope. */
  readonly tokens?: Pick<TokenBook, 'find'>;
  /** Requests of one client address. Default: no limit. */
  readonly rate?: Rate;
  /** Settings in force, without secrets. */
  readonly settings: () => readonly unknown[];
  /** Reads the settings again. Without it there is no /api/v1/reload. */
  readonly reload?: Reload;
  /** How they are doing. */
  readonly sinks?: () => readonly SinkState[];
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
  /** All routes there are. `open`: answered without a token wherever the service listens. */
  readonly routes: readonly Route[];
  /** For commands on this machine, while it listens. */
  readonly localUrl: string;
  /** Resolves with the base URL. @throws LISTEN_FAILED */
  listen(): Promise<string>;
  /** Answers what waits, then closes. */
  close(): Promise<void>;
}

interface Route {
  readonly method: string;
  readonly url: string;
  readonly open: boolean;
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
  const certificate = options.tls === undefined ? undefined : new ServerCertificate(options.tls);
  if (certificate !== undefined) warnOfEnd(certificate, clock.now(), telemetry);
  const onClientError = (error: Error, socket: Socket): void => refuseSocket(error, socket, state());

  const app = fastify({
    bodyLimit: BODY_LIMIT,
    requestTimeout,
    connectionTimeout: QUIET_MS,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 1000 },
    ...(certificate === undefined
      ? { http: httpOptions(requestTimeout) }
      : { https: tlsOptions(certificate, requestTimeout) }),
    frameworkErrors: (error, _, reply) => send(reply, error),
    clientErrorHandler: onClientError,
  } as FastifyServerOptions);
  const audit = new Audit(app, telemetry);
  const access = new Access({ token: options.token, tokens: options.tokens, rate: options.rate, clock });
  const local = certificate && new LocalListener((i, o) => app.routing(i, o), onClientError, requestTimeout);
  const watch =
    certificate &&
    new CertificateWatch(certificate, (pair) => (app.server as TlsServer).setSecureContext(pair), options);
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
    audit.fails(reply, error);
    const wait = error.details['retryAfterSeconds'];
    if (typeof wait === 'number') reply.header('retry-after', wait);
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
    reply.headers({ ...state(), ...safeHeaders });
    const { socket } = request.raw;
    access.limit(request.ip);
    checkHost(request.headers.host, hosts, (name) => isOwnName(name, socket, certificate));
    audit.calls(request, access.admit(request, isLoopback(listen.host) || local?.owns(socket) === true));
  });
  app.setErrorHandler((error, _, reply) => send(reply, error));

  const routes: (Route & { readonly pattern: RegExp })[] = [];
  app.addHook('onRoute', ({ method, url, config }) => {
    const pattern = new RegExp(`^${url.replaceAll(/:\w+/g, '[^/]+')}$`);
    const open = config?.access === 'open';
    for (const one of [method].flat()) routes.push({ method: one, url, open, pattern });
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
  let localUrl = '';
  serviceRoutes(app, options.monitor, options.phase);
  if (options.metrics !== undefined) metricsRoutes(app, options.metrics, options);
  readRoutes(app, context);
  streamRoutes(app, context, maxEventStreams);
  writeRoutes(app, context);
  intentRoutes(app, context);
  sinkRoutes(app, context, options.sinks ?? (() => []));
  if (options.reload !== undefined) reloadRoute(app, context, options.reload);
  logRoutes(app, context);
  commandRoutes(app, context);
  inventoryRoutes(app, context);
  pageRoutes(app);

  return {
    inject: app.inject.bind(app) as FastifyInstance['inject'],
    routes,
    get localUrl() {
      return localUrl;
    },
    async listen() {
      try {
        await app.listen({ host: listen.host, port: listen.port });
        await local?.listen();
      } catch (error) {
        throw new VurtiError('LISTEN_FAILED', `${textOf(listen)}: ${messageOf(error)}`, { cause: error });
      }
      const bound = app.server.address();
      const port = typeof bound === 'object' && bound !== null ? bound.port : listen.port;
      const own = allowedHosts({ host: listen.host, port }, options.allowedHosts ?? []);
      hosts =
        local === undefined ? own : new Set([...own, ...allowedHosts({ host: '127.0.0.1', port: local.port }, [])]);
      watch?.start();
      const url = `${local === undefined ? 'http' : 'https'}://${textOf({ host: listen.host, port })}`;
      localUrl = local === undefined ? url : `http://127.0.0.1:${local.port}`;
      return url;
    },
    async close() {
      closing.abort();
      watch?.stop();
      await Promise.all([app.close(), local?.close()]);
    },
  };
}

/** Nothing here is for other sites: not to read, not to frame, not to load. A page of ours says what it needs itself. */
const safeHeaders = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
} as const;

/** A name of our certificate, with whatever port a forwarder has; or the very address that the connection ends at. */
function isOwnName(header: string, socket: Socket, certificate: ServerCertificate | undefined): boolean {
  const [, name = '', port = ''] = /^(\[[\da-f:.]+\]|[^:]+)(?::(\d+))?$/.exec(header) ?? [];
  if (name === '') return false;
  if (certificate?.covers(name)) return true;
  const bare = name.replace(/^\[(.*)\]$/, '$1');
  return isIP(bare) !== 0 && bare === socket.localAddress?.replace(/^::ffff:/, '') && port === String(socket.localPort);
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
