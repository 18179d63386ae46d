import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Labels, Telemetry } from '../../kernel/index.js';
import { type OwnMetric, ownMetrics } from './catalogue.js';

type Sink = Pick<Telemetry, 'count' | 'gauge' | 'observe'>;

/** Gauges with a counter's name: promtool complains, and their sums by type stand in nodejs_active_resources and the like. */
const misnamed = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** What the service counts of itself, as prom-client holds it, and the process's own figures. */
export class OwnMetrics implements Sink {
  readonly #registry = new Registry();
  readonly #counters = new Map<string, Counter>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #histograms = new Map<string, Histogram>();

  /** `process`: with memory, CPU and event loop of this process. */
  constructor(options: { readonly process: boolean }) {
    for (const [name, metric] of Object.entries(ownMetrics)) this.#add(name, metric);
    if (!options.process) return;
    collectDefaultMetrics({ register: this.#registry });
    for (const name of misnamed) this.#registry.removeSingleMetric(name);
  }

  count(name: string, by = 1, labels: Labels = {}): void {
    this.#counters.get(name)?.inc(labels, by);
  }

  gauge(name: string, value: number, labels: Labels = {}): void {
    this.#gauges.get(name)?.set(labels, value);
  }

  observe(name: string, value: number, labels: Labels = {}): void {
    this.#histograms.get(name)?.observe(labels, value);
  }

  /** In the text format of Prometheus, version 0.0.4. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** A telemetry that also counts here. */
  beside(telemetry: Telemetry): Telemetry {
    return {
      log: (level, message, fields) => telemetry.log(level, message, fields),
      ...(telemetry.tracer === undefined ? {} : { tracer: telemetry.tracer }),
      count: (name, by, labels) => this.count(name, by, labels),
      gauge: (name, value, labels) => this.gauge(name, value, labels),
      observe: (name, value, labels) => this.observe(name, value, labels),
    };
  }

  #add(name: string, { type, help, labels = [], buckets = [] }: OwnMetric): void {
    const common = { name, help, labelNames: [...labels], registers: [this.#registry] };
    if (type === 'counter') this.#counters.set(name, new Counter(common));
    else if (type === 'gauge') this.#gauges.set(name, new Gauge(common));
    else this.#histograms.set(name, new Histogram({ ...common, buckets: [...buckets] }));
  }
}
