export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Small, flat and free of secrets: every sink may write all of it out. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;
export type Labels = Readonly<Record<string, string>>;

export interface Span {
  end(error?: unknown): void;
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
  /** Begins a span; its maker ends it. */
  span(name: string, fields?: LogFields): Span;
}

const idleSpan: Span = { end: () => undefined };

export const silentTelemetry: Telemetry = {
  log: () => undefined,
  count: () => undefined,
  gauge: () => undefined,
  observe: () => undefined,
  span: () => idleSpan,
};
