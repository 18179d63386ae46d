/**
 * JSON.parse alone against our decoding of the same answer to Host.getAllVmStats: all VMs, all fields. CPU µs per VM.
 */

import { ParsedVmStatsReport } from '../src/fetcher/decode/vm-stats-report.js';
import { parseJson } from '../src/fetcher/json.js';
import { seconds, VirtualTime } from '../src/kernel/index.js';
import type { HostEndpoint } from '../src/model/index.js';
import { Fleet } from '../src/simulator/index.js';
import { allocationOf } from './support/allocation.js';
import { readFlags } from './support/flags.js';
import { bodyOf } from './support/fleet.js';
import { Report } from './support/report.js';
import { type Contender, compare } from './support/rounds.js';

const { flags, json } = readFlags({
  hosts: { value: 4, doc: 'hosts of the fleet' },
  vms: { value: 50, doc: 'VMs per host' },
  polls: { value: 10, doc: 'polls of each host per round, no two alike' },
  rounds: { value: 11, doc: 'rounds; the median counts' },
});
const report = new Report('decode', flags);
const bodies = await answers();
const vms = bodies.length * flags.vms;
const host: HostEndpoint = { id: 'h1', name: 'h1', address: '127.0.0.1', port: 1, protocol: 'http', tls: null };

const steps: readonly { name: string; step: (body: Buffer) => unknown }[] = [
  { name: 'JSON.parse', step: (body) => JSON.parse(body.toString()) },
  { name: 'our parse: limits, counters beyond 2^53 kept', step: parseJson },
  { name: '+ list of VMs', step: decoded },
  { name: '+ state of each VM', step: (body) => stateOf(decoded(body)) },
  { name: '+ figures and jobs of each VM', step: (body) => figuresOf(decoded(body)) },
];

const contenders = steps.map(
  ({ name, step }): Contender => ({
    name,
    prepare: () => ({ units: vms, run: () => bodies.forEach(step) }),
  }),
);
const micros = compare(contenders, flags.rounds);
const plain = micros.get('JSON.parse') ?? Number.NaN;
const rows: { [column: string]: string | number }[] = [];
for (const { name, step } of steps) {
  const value = micros.get(name) ?? Number.NaN;
  const bytes = (await allocationOf(() => bodies.forEach(step))) / vms;
  rows.push({ step: name, 'µs per VM': value, '× JSON.parse': value / plain, 'KB allocated per VM': bytes / 1000 });
}
const size = bodies.reduce((sum, body) => sum + body.length, 0);
report.table(
  `Decoding Host.getAllVmStats: ${bodies.length} answers of ${flags.vms} VMs, ${Math.round(size / vms)} bytes per VM`,
  rows,
);
report.end(json);

async function answers(): Promise<Buffer[]> {
  const time = new VirtualTime();
  const fleet = new Fleet({ clock: time, scheduler: time, hosts: flags.hosts, vms: flags.hosts * flags.vms });
  const all: Buffer[] = [];
  for (let poll = 0; poll < flags.polls; poll++) {
    await time.runFor(seconds(15));
    for (const { id } of fleet.hosts()) all.push(Buffer.from(bodyOf(fleet, id)));
  }
  return all;
}

function decoded(body: Buffer): ParsedVmStatsReport {
  const { result } = parseJson(body) as { result: unknown[] };
  return new ParsedVmStatsReport(host, result);
}

function stateOf(stats: ParsedVmStatsReport): number {
  let running = 0;
  for (const vm of stats.changed()) if (vm.status === 'Up') running += 1;
  return running;
}

function figuresOf(stats: ParsedVmStatsReport): number {
  let measured = 0;
  for (const vm of stats.changed()) {
    vm.jobs();
    vm.guestInterfaces();
    if (vm.statistics() !== null) measured += 1;
  }
  return measured;
}
