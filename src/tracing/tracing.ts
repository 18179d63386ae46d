import {
  type Context,
  DiagLogLevel,
  diag,
  type Span as OtelSpan,
  type Tracer as OtelTracer,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';
import { type LogFields, messageOf, type Span, type Tracer, VurtiError } from '../kernel/index.js';

export interface TracingOptions {
  /** Without a path it is /v1/traces. */
  readonly endpoint: string;
  /** Share of roots (polls, flushes) that are traced, with all that is below them. */
  readonly sampleRatio: number;
  readonly version: string;
  /** Spans that cannot be sent are dropped; this is told. */
  readonly onProblem: (message: string) => void;
}

export interface Tracing {
  readonly tracer: Tracer;
  /** Sends what waits, for some seconds at most. */
  stop(): Promise<void>;
}

/** Spans that wait for the next batch; more are dropped. */
const MOST_WAITING = 8192;
const EXPORT_TIMEOUT_MS = 5000;

/**
 * Traces by OpenTelemetry. Nothing of it is loaded before this file is: whoever traces imports it at its start. Spans are
 * parts of each other as the callers say (`Span.child`, `Span.within`); nothing is patched and no async hook is set.
 */
export function startTracing({ endpoint, sampleRatio, version, onProblem }: TracingOptions): Tracing {
  const tell = (message: string): void => onProblem(message);
  const quiet = (): void => undefined;
  diag.setLogger({ error: tell, warn: tell, info: quiet, debug: quiet, verbose: quiet }, DiagLogLevel.WARN);
  const exporter = new OTLPTraceExporter({ url: urlOf(endpoint), timeoutMillis: EXPORT_TIMEOUT_MS });
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'vurti', 'service.version': version }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) }),
    spanProcessors: [
      new BatchSpanProcessor(exporter, {
        maxQueueSize: MOST_WAITING,
        maxExportBatchSize: 512,
        scheduledDelayMillis: 2000,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    ],
  });
  return {
    tracer: new ActiveTracer(provider.getTracer('vurti', version)),
    async stop() {
      try {
        await provider.shutdown();
      } catch (error) {
        onProblem(messageOf(error));
      } finally {
        diag.disable();
      }
    },
  };
}

function urlOf(endpoint: string): string {
  try {
    const url = new URL(endpoint);
    if (url.pathname === '/') url.pathname = '/v1/traces';
    return url.href;
  } catch (cause) {
    throw new VurtiError('CONFIG_INVALID', `tracing.endpoint: ${endpoint} is no URL`, { cause });
  }
}

/** Which span is at work: work within a span is done at once, so one place for all is enough. */
class ActiveTracer implements Tracer {
  readonly #tracer: OtelTracer;
  active: Span | undefined;

  constructor(tracer: OtelTracer) {
    this.#tracer = tracer;
  }

  start(name: string, fields: LogFields = {}): Span {
    return this.active === undefined ? this.begin(name, fields, ROOT_CONTEXT) : this.active.child(name, fields);
  }

  begin(name: string, fields: LogFields, context: Context): Span {
    return new TracedSpan(this, this.#tracer.startSpan(name, { attributes: attributesOf(fields) }, context));
  }
}

class TracedSpan implements Span {
  readonly #tracer: ActiveTracer;
  readonly #span: OtelSpan;

  constructor(tracer: ActiveTracer, span: OtelSpan) {
    this.#tracer = tracer;
    this.#span = span;
  }

  end(error?: unknown): void {
    if (error !== undefined) {
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
      if (error instanceof VurtiError) this.#span.setAttribute('error.type', error.code);
    }
    this.#span.end();
  }

  child(name: string, fields: LogFields = {}): Span {
    return this.#tracer.begin(name, fields, trace.setSpan(ROOT_CONTEXT, this.#span));
  }

  within<T>(work: () => T): T {
    const before = this.#tracer.active;
    this.#tracer.active = this;
    try {
      return work();
    } finally {
      this.#tracer.active = before;
    }
  }
}

function attributesOf(fields: LogFields): Record<string, string | number | boolean> {
  const attributes: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && value !== null) attributes[`vurti.${name}`] = value;
  }
  return attributes;
}
