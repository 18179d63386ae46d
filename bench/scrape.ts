/**
 * A scrape of /metrics: what it costs, how long others wait for their turn meanwhile, and how large it is.
 */
import { gunzipSync } from 'node:zlib';
import { RealTime, silentTelemetry } from '../src/kernel/index.js';
import { Front } from '../src/server/front/index.js';
import { createServer, OwnMetrics } from '../src/server/index.js';
import { MemoryStore } from '../src/store/index.js';
import { readFlags } from './support/flags.js';
import { median } from './support/numbers.js';
import { type Figures, Report } from './support/report.js';
import { Stage } from './support/stage.js';

const { flags, json } = readFlags({
  hosts: { value: 125, doc: 'hosts of the fleet' },
  vms: { value: 40, doc: 'VMs per host' },
  rounds: { value: 5, doc: 'scrapes of each kind; the median counts' },
});
const report = new Report('scrape', flags);
const time = new RealTime();
await using stage = await Stage.open({
  openStore: async (counter) => new MemoryStore({ clock: time, scheduler: time, onStatement: counter.listener }),
  hosts: flags.hosts,
  vmsPerHost: flags.vms,
});
await stage.start();
await stage.runFor(20_000);

const rows: Figures[] = [];
for (const [what, series] of [
  ['every VM', { perVm: true, statusSeries: 'code' }],
  ['every VM, a series for each status', { perVm: true, statusSeries: 'enum' }],
  ['counts only (metrics.perVm: false)', { perVm: false, statusSeries: 'code' }],
] as const) {
  rows.push(await measured(what, series));
}
const { vms } = stage.monitor.status();
report.table(`GET /metrics of ${flags.hosts} hosts and ${vms.total} VMs (${vms.byFreshness.live} live)`, rows);
report.end(json);

async function measured(
  what: string,
  series: { readonly perVm: boolean; readonly statusSeries: 'code' | 'enum' },
): Promise<Figures> {
  const took: number[] = [];
  const cpu: number[] = [];
  const waits: number[] = [];
  let body: Buffer = Buffer.alloc(0);
  for (let round = 0; round < flags.rounds; round += 1) {
    // A server of its own each time: none gives what it made for the one before.
    const common = { phase: () => '', clock: time, scheduler: time, telemetry: silentTelemetry };
    const server = createServer({
      monitor: () => stage.monitor,
      front: new Front({ listen: { host: '127.0.0.1', port: 8680 }, maxConnections: 1, ...common }),
      token: 'none',
      settings: () => [],
      ...common,
      metrics: { own: new OwnMetrics({ process: false }), series },
    });
    const turns = watchTurns();
    const before = process.cpuUsage();
    const began = performance.now();
    const answer = await server.inject({
      url: '/metrics',
      headers: { host: '127.0.0.1:8680', 'accept-encoding': 'gzip' },
    });
    took.push(performance.now() - began);
    const { user, system } = process.cpuUsage(before);
    cpu.push((user + system) / 1000);
    waits.push(turns.longest());
    body = answer.rawPayload;
    await server.close();
  }
  return {
    what,
    series: gunzipSync(body)
      .toString()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#')).length,
    'MB as text': gunzipSync(body).length / 1e6,
    'MB sent': body.length / 1e6,
    ms: median(took),
    'CPU ms': median(cpu),
    // In the round that other work on the machine disturbed least.
    'longest wait of others, ms': Math.min(...waits),
  };
}

/** The longest time between two turns of the event loop. */
function watchTurns(): { longest(): number } {
  let longest = 0;
  let last = performance.now();
  let over = false;
  const look = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!over) setImmediate(look);
  };
  setImmediate(look);
  return {
    longest() {
      over = true;
      return longest;
    },
  };
}
