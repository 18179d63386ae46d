/**
 * `vurti serve` as it ships, with a watch over its event loop that the bench asks by messages. A file of its own, so that
 * nothing of the bench is loaded into the process whose start is measured.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 5;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();

/** Delays since the last question. */
process.on('message', () => {
  const beyond = (ns: number): number => Math.max(0, ns / 1e6 - RESOLUTION_MS);
  process.send?.({
    maxMs: beyond(delay.max),
    p99Ms: beyond(delay.percentile(99)),
    rssMiB: process.memoryUsage.rss() / 2 ** 20,
    cpuMs: process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000,
  });
  delay.reset();
});
process.channel?.unref();

await import('../../src/cli/main.js');
