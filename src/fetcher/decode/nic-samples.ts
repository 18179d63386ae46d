import type { InterfaceStatus, NicSample } from '../../model/index.js';
import type { Reader } from './reader.js';

/**
 * The `network` part of a host's or a VM's statistics. Dropped packets are taken per nic: the host's totals carry each
 * other's sum (vdsm-protocol.md §4.1). Null: not reported.
 */
export function nicSamples(report: Reader): NicSample[] | null {
  const nics = report.entries('network');
  if (nics === undefined) return null;
  return nics.map(([name, nic]) => ({
    name,
    macAddr: nic.text('macAddr', 64)?.toLowerCase() || null,
    status: statusOf(nic.text('state', 40)),
    speedMbps: nic.int('speed') ?? null,
    rxBytes: nic.count('rx') ?? null,
    txBytes: nic.count('tx') ?? null,
    rxDropped: nic.count('rxDropped') ?? null,
    txDropped: nic.count('txDropped') ?? null,
    sampleTime: nic.float('sampleTime') ?? null,
  }));
}

/** Agents say "unknown" of every nic of a VM: that is no news, while any other word but "up" means down. */
function statusOf(state: string | undefined): InterfaceStatus {
  const word = state?.trim().toLowerCase() ?? '';
  if (word === '' || word === 'unknown') return 'NONE';
  return word === 'up' ? 'UP' : 'DOWN';
}
