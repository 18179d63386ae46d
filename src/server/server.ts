import fastify, { type FastifyInstance, type FastifyReply, type FastifyServerOptions } from 'fastify';
import { type Clock, messageOf, type Scheduler, type Telemetry, VurtiError } from '../kernel/index.js';
import type { Monitor } from '../monitor/index.js';
import type { SinkState } from '../sinks/index.js';
import { Access } from './access.js';
import { Audit } from './audit.js';
import { toJson } from './convert.js';
import {
  type Front,
  loading,
  PROBLEM_TYPE,
  problemOf,
  type StateHeaders,
  safeHeaders,
  type TokenBook,
} from './front/index.js';
import { fromHttpLayer } from './problem.js';
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

export interface ServerOptions {
  /** Undefined while the service starts: the server answers before there is a database. */
  readonly monitor: () => Monitor | undefined;
  /** What the service does while there is no monitor, for the message of NOT_READY. */
  readonly phase: () => string;
  /** The sockets, open already or not. */
  readonly front: Front;
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

/** The state of the service in a header is this old at most. */
const STATUS_AGE_MS = 500;

export function createServer(options: ServerOptions): VurtiServer {
  const { front, phase, clock, telemetry } = options;
  const closing = new AbortController();
  const state = stateOf(options.monitor, clock);
  const maxEventStreams = options.maxEventStreams ?? 2000;

  // It listens to nothing itself: the front's sockets bring its requests.
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: 1000 },
    frameworkErrors: (error, _, reply) => send(reply, error),
  } as FastifyServerOptions);
  const audit = new Audit(app, telemetry);
  const access = new Access({ token: options.token, tokens: options.tokens, rate: options.rate, clock });

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
      .type(PROBLEM_TYPE)
      .send(toJson(problem));
  };

  app.setReplySerializer(toJson);
  // JSON alone: a form of another site can send text/plain without asking, but not JSON.
  app.removeContentTypeParser('text/plain');
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ ...state(), ...safeHeaders });
    const { socket } = request.raw;
    access.limit(request.ip);
    front.checkHost(request.headers.host, socket);
    audit.calls(request, access.admit(request, front.isLocal(socket)));
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
    throw new VurtiError('NOT_READY', `The service is starting: ${phase()}`);
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
  serviceRoutes(app, options.monitor, phase);
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
      return front.localUrl;
    },
    async listen() {
      await app.ready();
      front.serve((request, response) => app.routing(request, response), state);
      return front.listen();
    },
    async close() {
      closing.abort();
      await Promise.all([app.close(), front.close()]);
    },
  };
}

/** Counting all VMs for a header of every answer would cost more than the answer. It must not fail: errors bear it too. */
function stateOf(monitor: ServerOptions['monitor'], clock: Clock): () => StateHeaders {
  let known = { at: Number.NEGATIVE_INFINITY, headers: loading };
  const look = (): StateHeaders => {
    try {
      const status = monitor()?.progress();
      if (status === undefined) return loading;
      return {
        'x-vurti-status': status.condition,
        'x-vurti-remaining': status.remaining === null ? 'unknown' : String(status.remaining),
      };
    } catch {
      return { ...loading, 'x-vurti-status': 'degraded' };
    }
  };
  return () => {
    const now = clock.monotonic();
    if (now - known.at >= STATUS_AGE_MS) known = { at: now, headers: look() };
    return known.headers;
  };
}
