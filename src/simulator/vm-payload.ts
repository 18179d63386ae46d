import { noise } from './chance.js';
import type { Domain, Machine, Move } from './entities.js';
import { silentGuest } from './guest.js';
import type { MachineDisk } from './machine-parts.js';
import type { Role } from './roles.js';
import { flat, json, quote } from './text.js';

/**
 * One VM's entry of Host.getAllVmStats, in VDSM's shape and types (vdsm-protocol.md §4.2): most numbers are strings,
 * a few are not. The text is put together by hand, because this is what the simulator spends its time on: all but the
 * two clocks in front is kept until the state changes or the agent takes its next sample.
 */
export function vmStats(domain: Domain, now: number): string {
  const { host } = domain;
  if (!domain.live) return `{"statusTime":"${host.statusTime(now)}"${tail(domain, 0, now)}`;
  const sample = host.sampleIndex(now);
  const elapsed = host.secondsSince(domain.startedAt, now);
  return `{"statusTime":"${host.statusTime(now)}","elapsedTime":"${elapsed}"${tail(domain, sample, now)}`;
}

/** An entry of Host.getVMList. */
export function vmListEntry(domain: Domain, now: number): string {
  const { host, machine } = domain;
  return `{"vmId":"${machine.id}","status":"${domain.status}","statusTime":"${host.statusTime(now)}"}`;
}

function tail(domain: Domain, sample: number, now: number): string {
  if (domain.textSample === sample) return domain.text;
  domain.text = flat(domain.live ? liveTail(domain, sample, now) : downTail(domain));
  // Progress moves between two samples, so a VM on its way is written anew each time.
  domain.textSample = domain.move === null && domain.machine.job === null ? sample : Number.NaN;
  return domain.text;
}

function downTail(domain: Domain): string {
  const { exit, machine } = domain;
  const how =
    exit === null ? '' : `,"exitCode":${exit.code},"exitMessage":${quote(exit.message)},"exitReason":${exit.reason}`;
  return `,"status":"Down","vmId":"${machine.id}"${how},"timeOffset":"0"}`;
}

function liveTail(domain: Domain, sample: number, now: number): string {
  const { machine, host } = domain;
  const measured = sample > domain.bornAt;
  const at = host.sampleTime(now);
  let text = `,"status":"${domain.status}",${machine.identity},"monitorResponse":"${domain.silent ? -1 : 0}"`;
  text += `,"clientIp":${quote(machine.clientIp)},"timeOffset":"0"`;
  if (domain.pauseCode !== null) text += `,"pauseCode":"${domain.pauseCode}"`;
  text += ',"vcpuQuota":"-1","vcpuPeriod":100000';
  text += `,"displayInfo":[{"type":"vnc","port":"${5900 + domain.display}","tlsPort":"-1","ipAddress":"${host.address}"}]`;
  text += `,"hash":"${machine.hash}","vmJobs":${vmJobs(machine, now)}`;
  text += measured ? measurements(domain, sample, at) : notMeasured;
  text += measured && domain.guestUp ? guestPart(domain, sample, at) : `,${silentGuest},"memUsage":"0"`;
  if (machine.watchdog !== null) {
    text += `,"watchdogEvent":{"time":${machine.watchdog.epochSeconds},"action":${quote(machine.watchdog.action)}}`;
  }
  if (domain.move !== null && domain === domain.move.source)
    text += `,"migrationProgress":${progress(domain.move, now)}`;
  return `${text}}`;
}

const notMeasured = ',"cpuUser":"0.00","cpuSys":"0.00","cpuUsage":"0.00","cpuActual":false';

/** What the agent measures itself. */
function measurements(domain: Domain, sample: number, at: number): string {
  const { machine } = domain;
  const { role } = machine;
  const key = machine.index;
  const work = domain.workAt(at);
  const level = domain.levelAt(at);
  const cpu = role.cpu * role.vcpus;
  const user = cpu * 0.88 * level * (1 + 0.12 * noise(key, sample));
  const system = cpu * 0.12 * level * (1 + 0.12 * noise(key + 7, sample));
  // Per cent of one CPU over ms of work: 1 % of 1 ms is 10,000 ns.
  const cpuNs = Math.floor(work * cpu * 10_000);
  let text = `,"cpuUser":"${user.toFixed(2)}","cpuSys":"${system.toFixed(2)}","cpuUsage":"${cpuNs}","cpuActual":true`;
  text += `,"network":${network(domain, work, at)},"disks":${disks(domain, sample, work, level)}`;
  text += `,${balloon(role.memoryMb * 1024)},"vcpuCount":"${role.vcpus}"`;
  if (machine.ioTune) text += ioTune(machine);
  return text;
}

function balloon(kib: number): string {
  const sizes = `"balloon_max":"${kib}","balloon_min":"${kib / 2}","balloon_cur":"${kib}","balloon_target":"${kib}"`;
  return `"balloonInfo":{${sizes},"ballooning_enabled":true}`;
}

function network(domain: Domain, work: number, at: number): string {
  const { role, nics } = domain.machine;
  const seconds = work / 1000;
  const uptime = Math.round((at - domain.host.bootedAt) / 10) / 100;
  const entries = nics.map(({ mac }, n) => {
    const name = `vnet${domain.tap + n}`;
    // The second nic is for backups: it has a tenth of the traffic.
    const share = n === 0 ? 1 : 0.1;
    const rx = Math.floor(seconds * role.rx * share);
    const tx = Math.floor(seconds * role.tx * share);
    const rxDropped = Math.floor(seconds / 90_000);
    let text = `"${name}":{"macAddr":"${mac}","name":"${name}","speed":"1000","state":"unknown","rxErrors":"0"`;
    text += `,"rxDropped":"${rxDropped}","txErrors":"0","txDropped":"0","rx":"${rx}","tx":"${tx}","sampleTime":${uptime}}`;
    return text;
  });
  return `{${entries.join(',')}}`;
}

const noRates = '"readRate":"0.0","writeRate":"0.0","readLatency":"0","writeLatency":"0","flushLatency":"0"';
const cdrom = `"sdc":{"truesize":"0","apparentsize":"0","writtenBytes":"0","writeOps":"0","readOps":"4","readBytes":"152",${noRates}}`;

function disks(domain: Domain, sample: number, work: number, level: number): string {
  const { role, index, disks: all } = domain.machine;
  const seconds = work / 1000;
  const entries = all.map((disk, n) => {
    const key = index * 31 + n;
    // Where there is a disk for data, most of the traffic is there.
    const share = n === all.length - 1 ? 1 : 0.25;
    const read = Math.floor(seconds * role.read * share);
    const written = Math.floor(seconds * role.write * share);
    let text = `"${disk.device}":{"truesize":"${trueSize(disk, seconds)}","apparentsize":"${disk.sizeGiB * 2 ** 30}"`;
    text += `,"readBytes":"${read}","readOps":"${Math.floor(read / 32_768)}"`;
    text += `,"writtenBytes":"${written}","writeOps":"${Math.floor(written / 16_384)}"`;
    text += `,${level === 0 ? noRates : rates(role, key, sample, level, share)},"imageID":"${disk.imageId}"}`;
    return text;
  });
  return `{${cdrom},${entries.join(',')}}`;
}

/** Bytes per second, and ns per operation: a busy disk is a slow one. */
function rates(role: Role, key: number, sample: number, level: number, share: number): string {
  const vary = (base: number, by: number, salt: number): string => decimal(base * (1 + by * noise(key + salt, sample)));
  const drag = 0.6 + 0.4 * level;
  let text = `"readRate":"${vary(role.read * share * level, 0.3, 0)}","writeRate":"${vary(role.write * share * level, 0.3, 1)}"`;
  text += `,"readLatency":"${vary(380_000 * drag, 0.5, 2)}","writeLatency":"${vary(900_000 * drag, 0.5, 3)}"`;
  text += `,"flushLatency":"${vary(1_600_000 * drag, 0.5, 4)}"`;
  return text;
}

/** A thin disk grows from a third of its size and is nearly full after some years. */
function trueSize(disk: MachineDisk, seconds: number): number {
  const share = 1 - 0.66 * Math.exp(-seconds / 60_000_000);
  return Math.floor((disk.sizeGiB * 2 ** 30 * share) / 65_536) * 65_536;
}

/** Python prints a float with a point always. */
function decimal(value: number): string {
  const rounded = Math.round(value * 1000) / 1000;
  return Number.isInteger(rounded) ? `${rounded}.0` : String(rounded);
}

/** What the guest's agent and its balloon driver say. */
function guestPart(domain: Domain, sample: number, at: number): string {
  const { role, guest, index } = domain.machine;
  // Memory in use moves slower than the rest: it changes every fourth sample.
  const used = Math.min(93, role.memoryPercent * (1 + 0.15 * noise(index + 11, sample >> 2)));
  const total = Math.floor(role.memoryMb * 1024 * 0.95);
  const free = Math.floor(total * (1 - used / 100));
  const faults = Math.floor(300 * (1 + noise(index + 13, sample)));
  const fullness = 0.25 + 0.5 * (1 - Math.exp(-domain.workAt(at) / 90_000_000_000));
  let text = `,${guest.text()},"memUsage":"${Math.round(used)}","disksUsage":${guest.disksUsage(fullness)}`;
  text += `,"memoryStats":{"mem_total":"${total}","mem_unused":"${Math.floor(free * 0.45)}","mem_free":"${free}"`;
  text += `,"swap_in":0,"swap_out":0,"majflt":0,"minflt":${faults},"pageflt":${faults}`;
  text += `,"mem_buffers":"2104","mem_cached":"${Math.floor(free * 0.5)}"}`;
  return text;
}

function vmJobs(machine: Machine, now: number): string {
  const { job } = machine;
  if (job === null) return '{}';
  const done = Math.min(1, (now - job.from) / (job.until - job.from));
  const cur = Math.floor(job.bytes * done);
  const kind = '"jobType":"block","blockJobType":"commit","bandwidth":0';
  return `{"${job.id}":{"id":"${job.id}",${kind},"cur":${cur},"end":${job.bytes},"imgUUID":"${job.imageId}"}}`;
}

/** Whole per cent; 100 is the hand-over itself. */
function progress(move: Move, now: number): number {
  return Math.min(99, Math.floor((100 * (now - move.from)) / (move.until - move.from)));
}

const limits: Readonly<Record<string, number>> = {
  total_bytes_sec: 0,
  read_bytes_sec: 0,
  write_bytes_sec: 104_857_600,
  total_iops_sec: 0,
  read_iops_sec: 0,
  write_iops_sec: 500,
};
const limitsAsText = Object.fromEntries(Object.entries(limits).map(([name, value]) => [name, String(value)]));

/** The limits of its first disk: strings in the stats, numbers in getAllVmIoTunePolicies. */
function ioTune(machine: Machine): string {
  const disk = machine.disks[0];
  if (disk === undefined) return '';
  return `,"ioTune":${json([{ name: disk.device, path: disk.path, ioTune: limitsAsText }])}`;
}

/** An entry of Host.getAllVmIoTunePolicies. */
export function ioTunePolicy(machine: Machine): string {
  const current = machine.ioTune
    ? machine.disks.slice(0, 1).map(({ device, path }) => ({ name: device, path, ioTune: limits }))
    : [];
  return json({ policy: [], current_values: current });
}
