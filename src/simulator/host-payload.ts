import { noise } from './chance.js';
import type { HostNic, SimHost } from './entities.js';
import { storageDomains } from './machine-parts.js';
import { agentDateTime, json } from './text.js';

/** What an answer of Host.getStats is made of besides the host itself. */
export interface HostMoment {
  readonly now: number;
  /** ms since the epoch by the host's clock. */
  readonly wall: number;
  /** Wall-clock time of world time 0. */
  readonly wallOrigin: number;
}

/** Host.getStats (vdsm-protocol.md §4.1): samples as strings, nested values and the last group in their own types. */
export function hostStats(host: SimHost, moment: HostMoment): string {
  const { now } = moment;
  const sample = host.sampleIndex(now);
  const load = loadOf(host, sample, host.sampleTime(now));
  const agentSeconds = Math.max(0, host.sampleTime(now) - host.agentStartedAt) / 1000;
  // A rate needs two samples: until then the agent says nothing that it has to measure.
  const measured = now - host.agentStartedAt > 30_000;
  return json({
    cpuLoad: ((load.user + load.system) * 0.01 * host.size.threads * 1.1).toFixed(2),
    cpuUser: (measured ? load.user : 0).toFixed(2),
    cpuSys: (measured ? load.system : 0).toFixed(2),
    cpuIdle: (measured ? 100 - load.user - load.system : 0).toFixed(2),
    cpuSysVdsmd: (0.13 * (1 + 0.5 * noise(host.key, sample))).toFixed(2),
    cpuUserVdsmd: (0.47 * (1 + 0.5 * noise(host.key + 1, sample))).toFixed(2),
    elapsedTime: agentSeconds.toFixed(2),
    memUsed: measured ? String(load.memoryPercent) : '0.00',
    anonHugePages: String(Math.floor(load.memoryMb * 0.4)),
    ...(measured ? measuredGroup(host, sample, load, moment) : {}),
    ...alwaysGroup(host, load, moment),
  });
}

interface Load {
  readonly user: number;
  readonly system: number;
  readonly memoryMb: number;
  readonly memoryPercent: number;
  /** VMs. */
  readonly listed: number;
  readonly active: number;
  readonly incoming: number;
  readonly outgoing: number;
}

/** A host is as busy as its VMs are. */
function loadOf(host: SimHost, sample: number, at: number): Load {
  let cpu = 0;
  let memory = 4096;
  let [active, incoming, outgoing] = [0, 0, 0];
  for (const domain of host.domains.values()) {
    if (!domain.live) continue;
    const { role } = domain.machine;
    cpu += role.cpu * role.vcpus * domain.levelAt(at);
    memory += role.memoryMb * 0.95;
    if (domain.status === 'Up') active += 1;
    else if (domain.status === 'Migration Source') outgoing += 1;
    else if (domain.status === 'Migration Destination') incoming += 1;
  }
  const busy = Math.min(88, (cpu / host.size.threads) * (1 + 0.05 * noise(host.key + 2, sample)) + 1.5);
  // Pages that are the same are shared: a full host stays below the limits of a healthy fleet.
  const memoryMb = Math.floor(Math.min(memory, host.size.memoryMb * 0.9));
  return {
    user: busy * 0.8,
    system: busy * 0.2,
    memoryMb,
    memoryPercent: Math.round((100 * memoryMb) / host.size.memoryMb),
    listed: host.domains.size,
    active,
    incoming,
    outgoing,
  };
}

function measuredGroup(host: SimHost, sample: number, load: Load, moment: HostMoment): Record<string, unknown> {
  const { threads, sockets, memoryMb } = host.size;
  const freePerNode = Math.floor((memoryMb - load.memoryMb) / sockets);
  const perNode = threads / sockets;
  return {
    network: network(host, moment),
    rxDropped: '0',
    txDropped: '0',
    hugepages: { '2048': noHugepages, '1048576': noHugepages },
    diskStats: { '/var/log': { free: '9120' }, '/var/run/vdsm/': { free: '96512' }, '/tmp': { free: '30211' } },
    thpState: 'always',
    bootTime: String(Math.floor((moment.wallOrigin + host.bootedAt) / 1000)),
    numaNodeMemFree: Object.fromEntries(
      Array.from({ length: sockets }, (_, node) => [
        String(node),
        {
          memFree: String(freePerNode),
          memPercent: load.memoryPercent,
          hugepages: {
            '4': { freePages: freePerNode * 256 },
            '2048': { freePages: 0 },
            '1048576': { freePages: 0 },
          },
        },
      ]),
    ),
    cpuStatistics: Object.fromEntries(
      Array.from({ length: threads }, (_, cpu) => {
        const factor = 1 + 0.4 * noise(host.key + 100 + cpu, sample);
        const user = Math.min(90, load.user * factor);
        const system = Math.min(9, load.system * factor);
        return [
          String(cpu),
          {
            nodeIndex: Math.floor(cpu / perNode),
            cpuUser: user.toFixed(2),
            cpuSys: system.toFixed(2),
            cpuIdle: (100 - user - system).toFixed(2),
          },
        ];
      }),
    ),
    v2vJobs: {},
  };
}

function alwaysGroup(host: SimHost, load: Load, moment: HostMoment): Record<string, unknown> {
  return {
    storageDomains: Object.fromEntries(
      storageDomains.map((id, n) => [
        id,
        {
          code: 0,
          lastCheck: (((moment.now / 1000 + host.index + 3 * n) % 10) + 0.1).toFixed(1),
          delay: '0.000381',
          valid: true,
          version: 5,
          acquired: true,
          actual: true,
        },
      ]),
    ),
    multipathHealth: {},
    memFree: host.size.memoryMb - load.memoryMb,
    swapTotal: 16_383,
    swapFree: 16_120,
    vmCount: load.listed,
    vmActive: load.active,
    vmMigrating: load.incoming + load.outgoing,
    incomingVmMigrations: load.incoming,
    outgoingVmMigrations: load.outgoing,
    dateTime: agentDateTime(moment.wall),
    momStatus: 'active',
    ksmState: true,
    ksmPages: 100,
    ksmMergeAcrossNodes: true,
    memShared: 812,
    ksmCpu: 1,
    netConfigDirty: 'False',
    haStats: { configured: false, active: false, score: 0, globalMaintenance: false, localMaintenance: false },
  };
}

const noHugepages = {
  free_hugepages: 0,
  'vm.free_hugepages': 0,
  nr_hugepages: 0,
  nr_hugepages_mempolicy: 0,
  nr_overcommit_hugepages: 0,
  resv_hugepages: 0,
  surplus_hugepages: 0,
};

/** Bytes per second of all hosts' own traffic; that of VMs differs too much by where they are to be a counter. */
const managementRate = 1_500_000;

function network(host: SimHost, moment: HostMoment): Record<string, unknown> {
  const at = host.sampleTime(moment.now);
  const seconds = Math.max(0, at - host.bootedAt) / 1000;
  const sampleTime = Math.round(moment.wallOrigin + at) / 1000;
  const nic = (name: string, rate: number, up: boolean, speed: number): [string, unknown] => [
    name,
    {
      name,
      rx: String(Math.floor(seconds * rate)),
      tx: String(Math.floor(seconds * rate * 0.6)),
      state: up ? 'up' : 'down',
      rxDropped: String(Math.floor(seconds / 400_000)),
      txDropped: '0',
      rxErrors: '0',
      txErrors: '0',
      speed: String(up ? speed : 1000),
      duplex: up ? 'full' : 'unknown',
      sampleTime,
    },
  ];
  const [first, second] = host.nics as [HostNic, HostNic];
  const rate = managementRate * (1 + (host.index % 7));
  return Object.fromEntries([
    nic(first.name, rate, first.up, first.speedMbps),
    nic(second.name, rate * 8, second.up, second.speedMbps),
    nic('ovirtmgmt', rate, first.up, first.speedMbps),
    nic(`${second.name}.100`, rate * 7, second.up, second.speedMbps),
    nic('vmnet', rate * 7, second.up, second.speedMbps),
    nic('lo', 20_000, true, 1000),
  ]);
}
