import type { CpuTopologyEntry, SelinuxMode, VdsCapabilitiesReport, VdsDynamic } from '../../model/index.js';
import { cleanJson } from './json-value.js';
import { present } from './present.js';
import { Problems } from './problems.js';
import { type JsonObject, Reader } from './reader.js';
import { hostNetworksOf } from './vds-interfaces.js';
import { hostOsOf, packageVersionsOf } from './vds-packages.js';

/** Answer of Host.getCapabilities (monitoring-rules.md §8.2). What was not reported is absent or null. */
export function decodeVdsCapabilities(result: JsonObject): VdsCapabilitiesReport {
  const problems = new Problems();
  const caps = new Reader(result, '', problems);
  const cpuFlags = caps.text('cpuFlags');
  const lists = {
    clusterLevels: caps.texts('clusterLevels', 64),
    supportedEngines: caps.texts('supportedENGINEs', 64),
    emulatedMachines: caps.texts('emulatedMachines', 255),
    // oVirt's names of the sources are in capitals, the agent's are not.
    rngSources: caps.texts('rngSources', 64)?.map((source) => source.toUpperCase()),
    additionalFeatures: caps.texts('additionalFeatures', 255),
  };
  const selinux = caps.object('selinux')?.int('mode');
  const report = {
    dynamic: present<Partial<VdsDynamic>>({
      ...hardwareOf(caps),
      ...featuresOf(caps),
      ...packageVersionsOf(caps),
      cpuFlags,
      supportedClusterLevels: lists.clusterLevels?.join(','),
      supportedEngines: lists.supportedEngines?.join(','),
      supportedEmulatedMachines: lists.emulatedMachines?.join(','),
      supportedRngSources: lists.rngSources?.join(','),
      additionalFeatures: lists.additionalFeatures?.join(','),
      supportedDomainVersions: caps.texts('domain_versions', 64)?.join(','),
      softwareVersion: caps.text('software_version', 255),
      versionName: caps.text('version_name', 255),
      buildName: caps.text('software_revision', 255),
      hostOs: hostOsOf(caps),
      prettyName: caps.object('operatingSystem')?.text('pretty_name', 255),
      selinuxEnforceMode: selinux,
    }),
    ...hostNetworksOf(caps),
    cpuFlags: cpuFlags === undefined ? null : commaSeparated(cpuFlags),
    clusterLevels: lists.clusterLevels ?? null,
    supportedEngines: lists.supportedEngines ?? null,
    emulatedMachines: lists.emulatedMachines ?? null,
    rngSources: lists.rngSources ?? null,
    additionalFeatures: lists.additionalFeatures ?? null,
    selinuxMode: selinuxModeOf(selinux),
  };
  return { ...report, problems: problems.list() };
}

type Reported<K extends keyof VdsDynamic> = { readonly [P in K]: VdsDynamic[P] | undefined };

function hardwareOf(caps: Reader) {
  return {
    cpuCores: caps.int('cpuCores'),
    cpuThreads: caps.int('cpuThreads'),
    cpuSockets: caps.int('cpuSockets'),
    cpuModel: caps.text('cpuModel', 255),
    cpuSpeedMhz: caps.float('cpuSpeed'),
    onlineCpus: caps.text('onlineCpus'),
    cpuTopology: cpuTopologyOf(caps),
    vdsmCpusAffinity: caps.texts('vdsmToCpusAffinity', 64)?.join(','),
    physicalMemMb: caps.int('memSize'),
    reservedMem: caps.int('reservedMem'),
    guestOverhead: caps.int('guestOverhead'),
    autoNumaBalancing: caps.int('autoNumaBalancing'),
    numaSupported: numaSupportedOf(caps),
    tscFrequency: caps.text('tscFrequency', 64),
    tscScaling: caps.bool('tscScaling'),
    iscsiInitiatorName: caps.text('ISCSIInitiatorName', 4000),
    hbas: jsonOf(caps, 'HBAInventory'),
  } satisfies Partial<Reported<keyof VdsDynamic>>;
}

function featuresOf(caps: Reader) {
  return {
    netConfigDirty: caps.bool('netConfigDirty'),
    kvmEnabled: caps.bool('kvmEnabled'),
    hooks: jsonOf(caps, 'hooks'),
    kdumpStatus: caps.int('kdumpStatus'),
    kernelArgs: caps.text('kernelArgs'),
    kernelFeatures: jsonOf(caps, 'kernelFeatures'),
    supportedBlockSize: jsonOf(caps, 'supported_block_size'),
    fipsEnabled: caps.bool('fipsEnabled'),
    bootUuid: caps.text('boot_uuid', 255) || undefined,
    vncEncryptionEnabled: caps.bool('vncEncrypted'),
    backupEnabled: caps.bool('backupEnabled'),
    coldBackupEnabled: caps.bool('coldBackupEnabled'),
    clearBitmapsEnabled: caps.bool('clearBitmapsEnabled'),
    cdChangePdiv: caps.bool('cd_change_pdiv'),
    ovnConfigured: caps.bool('ovnConfigured'),
    hostdevEnabled: caps.bool('hostdevPassthrough'),
    hostedEngineConfigured: caps.bool('hostedEngineDeployed'),
  } satisfies Partial<Reported<keyof VdsDynamic>>;
}

function cpuTopologyOf(caps: Reader): readonly CpuTopologyEntry[] | undefined {
  const cpus = caps.objects('cpuTopology');
  if (cpus === undefined) return undefined;
  const result: CpuTopologyEntry[] = [];
  for (const cpu of cpus) {
    const cpuId = cpu.int('cpu_id');
    const numaCellId = cpu.int('numa_cell_id');
    const socketId = cpu.int('socket_id');
    const coreId = cpu.int('core_id');
    if (cpuId === undefined || numaCellId === undefined || socketId === undefined || coreId === undefined) continue;
    result.push({ cpuId, numaCellId, socketId, dieId: cpu.int('die_id') ?? null, coreId });
  }
  return result;
}

/** One node is no NUMA. */
function numaSupportedOf(caps: Reader): boolean | undefined {
  const nodes = caps.object('numaNodes');
  return nodes === undefined ? undefined : nodes.size > 1;
}

function jsonOf(caps: Reader, key: string): unknown {
  const value = caps.raw(key);
  if (value === undefined) return undefined;
  const cleaned = cleanJson(value);
  if (cleaned === undefined) caps.problem(key, 'too large');
  return cleaned;
}

function selinuxModeOf(mode: number | undefined): SelinuxMode | null {
  if (mode === undefined) return null;
  if (mode === 1) return 'ENFORCING';
  return mode === 0 ? 'PERMISSIVE' : 'DISABLED';
}

function commaSeparated(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
