export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Small, flat and free of secrets: every sink may write all of it out. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;
export type Labels = Readonly<Record<string, string>>;

/** A piece of work with a beginning and an end. Its maker ends it, once. */
export interface Span {
  /** `error`: why it failed. */
  end(error?: unknown): void;
  /** Begins a part of it; it may be over by then. */
  child(name: string, fields?: LogFields): Span;
  /** Does the work at once; what is traced in it is a part of this span. */
  within<T>(work: () => T): T;
}

export interface Tracer {
  /** Begins a span: a part of the one that is at work now, else one of its own. */
  start(name: string, fields?: LogFields): Span;
  /** The span that is at work now, for work that is put off. */
  readonly active: Span | undefined;
}

/**
 * What the core says about itself. No call may throw, block or keep its arguments; with no sink behind it a call costs
 * next to nothing. Metric names follow Prometheus (`vurti_polls_total`, base units).
 */
export interface Telemetry {
  log(level: LogLevel, message: string, fields?: LogFields): void;
  /** Adds to a counter. */
  count(name: string, by?: number, labels?: Labels): void;
  /** Sets a gauge. */
  gauge(name: string, value: number, labels?: Labels): void;
  /** One observation of a histogram. */
  observe(name: string, value: number, labels?: Labels): void;
  /** Only while somebody traces. Asked for by `telemetry.tracer?.start(…)`, so that otherwise nothing is called or made. */
  readonly tracer?: Tracer;
}

export const silentTelemetry: Telemetry = {
  log: () => undefined,
  count: () => undefined,
  gauge: () => undefined,
  observe: () => undefined,
};
