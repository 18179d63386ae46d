import { z } from 'zod';
import {
  agentProtocolIds,
  nonOperationalReasonIds,
  originIds,
  spmStatusIds,
  vdsStatusIds,
  vmStatusIds,
} from '../../model/index.js';
import {
  about,
  flag,
  freshness,
  namesOf,
  number,
  numberOrNull,
  text,
  textOrNull,
  timeOrNull,
  whole,
  wholeOrNull,
} from './parts.js';

export const host = z.object({
  id: about(text, 'Id that never changes.'),
  name: about(text, 'Name shown to people.'),
  address: about(text, 'Host name or IP address of the agent.'),
  port: about(whole, 'Port of the agent.'),
  protocol: about(namesOf(agentProtocolIds), 'Protocol of the agent.'),
  cluster: about(text, 'Name of its cluster.'),
  clusterId: about(text, 'Id of its cluster.'),
  source: about(text, 'Where the host comes from: settings, file, api, engine, demo.'),
  status: about(namesOf(vdsStatusIds), 'Verdict on the host.'),
  previousStatus: about(namesOf(vdsStatusIds), 'The verdict before.'),
  since: about(timeOrNull, 'When the status became what it is.'),
  nonOperationalReason: about(namesOf(nonOperationalReasonIds), 'Why it is NonOperational; NONE when it is not.'),
  freshness,
  heardAt: about(timeOrNull, 'Last answer of the agent to this process.'),
  attempts: about(whole, 'Failed attempts since the last answer.'),
  graceEndsAt: about(timeOrNull, 'While Connecting: when it counts as lost unless it answers.'),
  nextPollAt: about(timeOrNull, 'When it is asked next.'),
  vms: about(whole, 'VMs that run on it, as far as known.'),
  vmsActive: about(whole, 'VMs that its agent says are active.'),
  cpuPercent: about(numberOrNull, 'CPU usage; null when not live.'),
  memoryPercent: about(numberOrNull, 'Memory usage; null when not live.'),
  networkPercent: about(numberOrNull, 'Usage of its busiest nic; null when not live.'),
  memoryBytes: about(numberOrNull, 'Physical memory.'),
  cpuThreads: about(wholeOrNull, 'CPU threads.'),
  os: about(textOrNull, 'Operating system.'),
  version: about(textOrNull, 'Version of the agent.'),
});

export const vm = z.object({
  id: about(text, 'Id by which agents report it.'),
  name: about(text, 'Name shown to people.'),
  cluster: about(textOrNull, 'Name of its cluster.'),
  clusterId: about(textOrNull, 'Id of its cluster.'),
  status: about(namesOf(vmStatusIds), 'Verdict on the VM.'),
  since: about(timeOrNull, 'When the status became what it is.'),
  pause: about(textOrNull, 'Why it is paused, when it is: ENOSPC, EIO, …'),
  host: about(textOrNull, 'Name of the host that runs it, or ran it last as far as known.'),
  hostId: about(textOrNull, 'Id of that host.'),
  migratingTo: about(textOrNull, 'Name of the host that it migrates to.'),
  migrationProgressPercent: about(numberOrNull, 'How far its migration is; null: it does not migrate, or nobody said.'),
  freshness,
  heardAt: about(timeOrNull, 'When an agent last reported it.'),
  adopted: about(flag, 'Not in the inventory; taken in from a report.'),
  ha: about(flag.nullable(), 'Highly available; null = not known.'),
  exit: about(
    z.object({ status: text, reason: text, message: textOrNull }).nullable(),
    'How it ended, when it does not run.',
  ),
  ip: about(textOrNull, 'Address of the guest.'),
  fqdn: about(textOrNull, 'Name of the guest.'),
  os: about(textOrNull, 'Operating system of the guest.'),
  uptimeSeconds: about(numberOrNull, 'Since it was started.'),
  cpuPercent: about(numberOrNull, 'CPU usage; null when not live.'),
  memoryPercent: about(numberOrNull, 'Memory usage; null when not live.'),
  networkPercent: about(numberOrNull, 'Network usage; null when not live.'),
});

export const cluster = z.object({
  id: about(text, 'Id that never changes.'),
  name: about(text, 'Name shown to people.'),
  cpuName: about(textOrNull, 'CPU type, for people.'),
  cpuFlags: about(z.array(text).nullable(), 'CPU flags that its hosts must have.'),
  architecture: about(textOrNull, 'CPU architecture.'),
  compatibilityVersion: about(textOrNull, 'Level that its hosts must support.'),
  emulatedMachine: about(textOrNull, 'Machine type that its hosts must offer.'),
  additionalRngSources: about(z.array(text).nullable(), 'Sources of random numbers that its hosts must offer.'),
  requiredFeatures: about(z.array(text).nullable(), 'Additional features that its hosts must offer.'),
  migrateOnError: about(
    z.enum(['NO', 'YES', 'HA_ONLY']),
    'Which VMs are advised to be moved away from a host that becomes NonOperational.',
  ),
  memThreshold: about(numberOrNull, 'Memory usage of a host that is reported; null: as in the settings.'),
  memThresholdType: about(z.enum(['PERCENTAGE', 'ABSOLUTE']), 'Unit of memThreshold: per cent used, or MiB free.'),
  ballooning: about(flag, 'Balloons are used.'),
  gluster: about(flag, 'Its hosts serve gluster.'),
  upgradeMode: about(flag, 'It is being upgraded.'),
  fencingEnabled: about(flag, 'Fencing of its hosts may be advised.'),
  skipFencingIfConnectivityBroken: about(flag, 'Not when too many of its hosts are unreachable.'),
  hostsWithBrokenConnectivityThreshold: about(numberOrNull, 'How many, per cent.'),
});

const network = z.object({
  name: about(text, 'Name of the logical network.'),
  required: about(flag, 'A host without it may not run VMs.'),
  vmNetwork: about(flag, 'It is bridged for VMs.'),
  display: about(flag, 'Consoles use it.'),
  status: z.enum(['OPERATIONAL', 'NON_OPERATIONAL']),
});

const nic = z.object({
  mac: about(text, 'Address by which agents report it.'),
  name: textOrNull,
  profile: about(textOrNull, 'vNIC profile; null = without.'),
  speedMbps: numberOrNull,
});
const disk = z.object({
  imageId: about(text, 'Image by which agents report it.'),
  lunId: about(textOrNull, 'LUN, of a direct LUN.'),
  alias: about(textOrNull, 'Name shown to people.'),
  lunSizeGb: about(numberOrNull.optional(), 'Of a LUN: its size as last reported.'),
});

const inventoryCluster = z
  .object({ entity: about(z.literal('cluster'), 'What it is.') })
  .extend(cluster.shape)
  .extend({ networks: about(z.array(network), 'Its logical networks.') });
const inventoryHost = z.object({
  entity: about(z.literal('host'), 'What it is.'),
  id: about(text, 'Id that never changes.'),
  name: about(text, 'Name shown to people.'),
  address: about(text, 'Host name or IP address of the agent.'),
  port: about(wholeOrNull, 'Port of the agent; null: that of its protocol.'),
  protocol: about(namesOf(agentProtocolIds), 'Protocol of the agent.'),
  clusterId: about(text, 'Id of its cluster.'),
  source: about(text, 'Where the host comes from: settings, file, api, engine, demo.'),
  pmEnabled: about(flag, 'Power management (fencing) is set up somewhere.'),
  spmStatus: about(namesOf(spmStatusIds), 'Whether it manages the storage pool.'),
  autoRecoverable: about(flag, 'It may be activated again by itself after a rule made it NonOperational.'),
});
const inventoryVm = z.object({
  entity: about(z.literal('vm'), 'What it is.'),
  id: about(text, 'Id by which agents report it.'),
  name: about(text, 'Name shown to people.'),
  clusterId: about(textOrNull, 'Id of its cluster.'),
  origin: about(namesOf(originIds), 'Who made it.'),
  adopted: about(flag, 'Not given by anybody; taken in from a report.'),
  ha: about(flag.nullable(), 'Highly available; null = not known.'),
  priority: about(number, 'Order of restarts; higher comes first.'),
  lease: about(flag, 'A storage lease keeps it from running twice.'),
  vcpus: about(wholeOrNull, 'Virtual CPUs.'),
  memoryMb: about(wholeOrNull, 'Memory, MiB.'),
  minMemoryMb: about(wholeOrNull, 'Guaranteed memory, MiB.'),
  overheadMb: about(number, 'QEMU’s own need on top of it, MiB.'),
  cpuPinningPolicy: textOrNull,
  nics: about(z.array(nic).nullable(), 'Its nics.'),
  disks: about(z.array(disk).nullable(), 'Its disks.'),
});

export const inventoryEntry = z.discriminatedUnion('entity', [inventoryCluster, inventoryHost, inventoryVm]);

export const command = z.object({
  vmId: about(text, 'Id of the VM. It need not be known yet.'),
  vm: about(textOrNull, 'Its name.'),
  command: about(text, 'What the manager does to it.'),
  count: about(whole, 'How often it was begun and not ended.'),
  since: about(timeOrNull, 'When it was begun first.'),
  endsAt: about(timeOrNull, 'It counts as ended at this time, whatever becomes of the manager.'),
});

export const setting = z.object({
  path: about(text, 'Name of the setting, docs/settings.md.'),
  value: about(z.unknown(), 'What is in force; secrets are shown as (set).'),
  origin: about(
    z.object({
      layer: z.enum(['flag', 'environment', 'file', 'code', 'default']),
      where: about(text, 'Flag, variable, or file, line and column; empty for a default.'),
    }),
    'Where it comes from.',
  ),
});
