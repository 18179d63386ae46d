import { decodePush } from '../../../src/fetcher/index.js';
import type { EvidenceStamp, HostEndpoint } from '../../../src/model/index.js';
import { pushEvidence } from '../../../src/push-adapter/push-evidence.js';
import type { World } from './world.js';

/** A pushed VM_status event as the adapter for pushes would make evidence of it. */
export function pushStatus(
  world: World,
  at: { host: string; vmId: string; requestedAt: number; timestamp: number },
  fields: Readonly<Record<string, unknown>>,
): void {
  const { host, vmId, requestedAt, timestamp } = at;
  const endpoint: HostEndpoint = { id: host, name: host, address: host, port: 54321, protocol: 'vdsm', tls: null };
  const push = decodePush(endpoint, `|virt|VM_status|${vmId}`, { [vmId]: fields, notify_time: timestamp });
  if (push === null) throw new TypeError('a status is a push');
  const stamp: EvidenceStamp = {
    ...{ host, session: 1, kind: 'push', seq: 1_000_000 + timestamp, agentTime: timestamp },
    ...{ requestedAt, receivedAt: world.clock.now(), complete: false },
  };
  const evidence = pushEvidence(host, stamp, push, world.part('sets').vms);
  for (const piece of evidence) world.part('streams').evidence.publish(piece);
}
