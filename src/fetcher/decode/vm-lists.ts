import { type DomainReport, type VmListReport, vmStatusFromAgent } from '../../model/index.js';
import { excerptOf, isCleanKey } from '../text.js';
import { DomainXml } from './domain.js';
import { isObject, type JsonObject } from './reader.js';

/**
 * Answer of Host.getVMList: objects from current agents, plain ids from older ones. The report cannot say that it is not
 * complete, so an entry without an id fails the call.
 */
export function decodeVmList(result: readonly unknown[]): VmListReport {
  const vms = new Map<string, VmListReport['vms'][number]>();
  for (const entry of result) {
    const vmId = isObject(entry) ? entry['vmId'] : entry;
    if (typeof vmId !== 'string' || !isCleanKey(vmId)) {
      throw new TypeError(`an entry has no usable vmId: ${excerptOf(vmId)}`);
    }
    const word = isObject(entry) ? entry['status'] : undefined;
    vms.set(vmId, { vmId, status: typeof word === 'string' ? vmStatusFromAgent(word) : null });
  }
  return { vms: [...vms.values()] };
}

/** Answer of Host.dumpxmls, as far as it was asked for. Each description is taken apart when it is read. */
export function decodeDomains(result: JsonObject, vmIds: readonly string[]): ReadonlyMap<string, DomainReport> {
  const domains = new Map<string, DomainReport>();
  for (const vmId of vmIds) {
    const xml = Object.hasOwn(result, vmId) ? result[vmId] : undefined;
    if (typeof xml === 'string') domains.set(vmId, new DomainXml(vmId, xml));
  }
  return domains;
}
