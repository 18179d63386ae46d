import { ParsedVmStatsReport } from '../src/fetcher/decode/vm-stats-report.js';
import { VmMemory } from '../src/fetcher/differential/vm-memory.js';
import { parseJson } from '../src/fetcher/json.js';
import { seconds, VirtualTime } from '../src/kernel/index.js';
import type { HostEndpoint, VmStatsReport } from '../src/model/index.js';
import { Fleet } from '../src/simulator/index.js';
import { allocationOf } from './support/allocation.js';
import { readFlags } from './support/flags.js';
import { ANSWER_ID, bodyOf } from './support/fleet.js';
import { Report } from './support/report.js';
import { type Contender, compare } from './support/rounds.js';

const { flags, json } = readFlags({
  hosts: { value: 4, doc: 'hosts of the fleet' },
  vms: { value: 50, doc: 'VMs per host' },
  polls: { value: 10, doc: 'polls of each host per round, no two alike' },
  differ: { value: 15, doc: 'figures of a VM that differ in a typical answer' },
  rounds: { value: 11, doc: 'rounds; the median counts' },
});
const report = new Report('parse', flags);
const host: HostEndpoint = { id: 'h1', name: 'h1', address: '127.0.0.1', port: 1, protocol: 'http', tls: null };

/** Answers of one host, one after the other. */
type Course = readonly Buffer[];

interface Step {
  readonly name: string;
  readonly courses: readonly Course[];
  /** Called for each host anew; then for each of its answers. */
  readonly reader: () => (body: Buffer) => unknown;
}

const sampled = await courses(seconds(15));
const typical = sampled.map((course) => variants(course[0], withOtherFigures));
const plain = (read: (body: Buffer) => unknown) => () => read;
const steps: readonly Step[] = [
  { name: 'JSON.parse', courses: typical, reader: plain((body) => JSON.parse(body.toString())) },
  { name: 'our parse: limits, counters beyond 2^53 kept', courses: typical, reader: plain(parseJson) },
  { name: '+ list of VMs', courses: typical, reader: plain(decoded) },
  { name: '+ state of each VM', courses: typical, reader: plain((body) => stateOf(decoded(body))) },
  { name: '+ figures and jobs of each VM', courses: typical, reader: plain((body) => figuresOf(decoded(body))) },
  {
    name: 'beside the last: the same bytes',
    courses: sampled.map((c) => variants(c[0], (text) => text)),
    reader: followed(),
  },
  { name: `beside the last: ${flags.differ} figures of each VM differ`, courses: typical, reader: followed() },
  { name: '+ figures and jobs of each VM read', courses: typical, reader: followed(figuresOf) },
  {
    name: 'beside the last: one VM in another state too',
    courses: sampled.map((c) => variants(c[0], withOtherState)),
    reader: followed(figuresOf),
  },
  { name: 'beside the last: two seconds later', courses: await courses(seconds(2)), reader: followed(figuresOf) },
  { name: 'beside the last: all figures are new', courses: sampled, reader: followed(figuresOf) },
];

const vms = flags.hosts * flags.vms;
const readers = new Map(steps.map((step) => [step, step.courses.map(() => step.reader())]));
const micros = compare(
  steps.map((step): Contender => {
    const hosts = readers.get(step) ?? [];
    const units = step.courses.reduce((sum, course) => sum + course.length, 0) * flags.vms;
    return { name: step.name, prepare: () => ({ units, run: () => runOnce(step, hosts) }) };
  }),
  flags.rounds,
);
const base = micros.get('JSON.parse') ?? Number.NaN;
const rows: { [column: string]: string | number }[] = [];
for (const step of steps) {
  const value = micros.get(step.name) ?? Number.NaN;
  const count = step.courses.reduce((sum, course) => sum + course.length, 0) * flags.vms;
  const bytes = (await allocationOf(() => runOnce(step, readers.get(step) ?? []))) / count;
  rows.push({
    'how an answer is read': step.name,
    'µs per VM': value,
    '× JSON.parse': value / base,
    'KB allocated per VM': bytes / 1000,
  });
}
const size = sampled.reduce((sum, course) => sum + (course[0]?.length ?? 0), 0);
const title = `Reading Host.getAllVmStats: ${flags.hosts} hosts, ${flags.vms} VMs each, ${Math.round(size / vms)} bytes per VM`;
report.table(title, rows);
report.end(json);

function runOnce({ courses: all }: Step, hosts: readonly ((body: Buffer) => unknown)[]): void {
  for (const [index, course] of all.entries()) for (const body of course) hosts[index]?.(body);
}

async function courses(everyMs: number): Promise<Course[]> {
  const time = new VirtualTime();
  const fleet = new Fleet({ clock: time, scheduler: time, hosts: flags.hosts, vms: flags.hosts * flags.vms });
  await time.runFor(seconds(60));
  const all = fleet.hosts().map((): Buffer[] => []);
  for (let poll = 0; poll < flags.polls; poll++) {
    await time.runFor(everyMs);
    for (const [index, { id }] of fleet.hosts().entries()) all[index]?.push(Buffer.from(bodyOf(fleet, id)));
  }
  return all;
}

/** The answer again and again, each made of it in another way. */
function variants(body: Buffer | undefined, make: (text: string, n: number) => string): Course {
  const text = body?.toString() ?? '';
  return Array.from({ length: flags.polls }, (_, n) => Buffer.from(make(text, n)));
}

/** Another last digit for so many figures of each VM, and now and then one digit more. */
function withOtherFigures(text: string, n: number): string {
  const [head, ...entries] = text.split('{"statusTime"');
  return [head, ...entries.map((entry) => figuresChanged(`{"statusTime"${entry}`, n))].join('');
}

function figuresChanged(entry: string, n: number): string {
  let left = flags.differ;
  const names =
    /"(statusTime|elapsedTime|cpuUser|cpuSys|memUsage|rx|tx|rxDropped|readRate|writeRate|readOps|writeOps|readLatency|writeLatency|mem_free|mem_unused)":"([\d.]*)(\d)"/g;
  return entry.replaceAll(names, (same: string, name: string, most: string, last: string) => {
    left -= 1;
    if (left < 0) return same;
    const longer = name === 'rx' && n % 2 === 1 ? '0' : '';
    return `"${name}":"${most}${(Number(last) + n) % 10}${longer}"`;
  });
}

function withOtherState(text: string, n: number): string {
  return withOtherFigures(text, n).replace('"clientIp":""', `"clientIp":"10.0.0.${n}"`);
}

function followed(look: (stats: VmStatsReport) => unknown = () => undefined): Step['reader'] {
  return () => {
    const memory = new VmMemory();
    return (body) => {
      memory.begin(host);
      const page = memory.take(body, ANSWER_ID);
      const stats = memory.finish();
      if (page === undefined || stats === undefined) throw new Error('this answer was not read beside the last one');
      return look(stats);
    };
  };
}

function decoded(body: Buffer): ParsedVmStatsReport {
  const { result } = parseJson(body) as { result: unknown[] };
  return new ParsedVmStatsReport(host, result);
}

function stateOf(stats: VmStatsReport): number {
  let running = 0;
  for (const vm of stats.all()) if (vm.status === 'Up') running += 1;
  return running;
}

/** Every figure is looked at, as whoever stores it does. */
function figuresOf(stats: VmStatsReport): number {
  let sum = 0;
  for (const vm of stats.all()) {
    vm.jobs();
    vm.guestInterfaces();
    const sample = vm.statistics();
    if (sample === null) continue;
    sum += (vm.timestamp ?? 0) + (sample.cpuUser ?? 0) + (sample.cpuSys ?? 0) + (sample.elapsedSeconds ?? 0);
    sum += (sample.memUsagePercent ?? 0) + (sample.vcpuCount ?? 0) + (sample.migrationProgress ?? 0);
    sum += (sample.memory?.free ?? 0) + (sample.memory?.unused ?? 0) + (sample.balloon?.current ?? 0);
    for (const nic of sample.nics ?? []) {
      sum += Number(nic.rxBytes ?? 0) + Number(nic.txBytes ?? 0) + (nic.sampleTime ?? 0) + (nic.speedMbps ?? 0);
    }
    for (const disk of sample.disks ?? []) {
      sum += (disk.readRate ?? 0) + (disk.writeRate ?? 0) + Number(disk.readOps ?? 0) + Number(disk.writeOps ?? 0);
      sum += (disk.readLatencyNs ?? 0) + (disk.writeLatencyNs ?? 0) + (disk.flushLatencyNs ?? 0);
    }
  }
  return sum;
}
