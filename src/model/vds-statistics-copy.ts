import type { Mutable } from './field.js';
import type { VdsStatistics } from './vds.js';

/** The same figures once more, to be changed before they are handed on: one literal, as copyOfVmDynamic is. */
export function copyOfVdsStatistics(from: VdsStatistics): Mutable<VdsStatistics> {
  return {
    id: from.id,
    cpuUser: from.cpuUser,
    cpuSys: from.cpuSys,
    cpuIdle: from.cpuIdle,
    cpuLoad: from.cpuLoad,
    usageCpuPercent: from.usageCpuPercent,
    usageMemPercent: from.usageMemPercent,
    usageNetworkPercent: from.usageNetworkPercent,
    memFree: from.memFree,
    memShared: from.memShared,
    swapFree: from.swapFree,
    swapTotal: from.swapTotal,
    ksmCpuPercent: from.ksmCpuPercent,
    ksmPages: from.ksmPages,
    ksmState: from.ksmState,
    anonymousHugepages: from.anonymousHugepages,
    hugepages: from.hugepages,
    bootTime: from.bootTime,
    haScore: from.haScore,
    haConfigured: from.haConfigured,
    haActive: from.haActive,
    haGlobalMaintenance: from.haGlobalMaintenance,
    haLocalMaintenance: from.haLocalMaintenance,
    diskFreeMb: from.diskFreeMb,
    storageDomains: from.storageDomains,
    multipathHealth: from.multipathHealth,
  };
}
