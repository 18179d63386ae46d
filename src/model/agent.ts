import type { AgentProtocol } from './vds.js';

/** Client credentials and trust for TLS, PEM text. */
export interface AgentTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Whether the certificate must bear the host's name. Off by default as with oVirt; the CA is always checked. */
  readonly checkHostName: boolean;
}

/** Where a host's agent listens and how to speak to it. */
export interface HostEndpoint {
  readonly id: string;
  /** For messages. */
  readonly name: string;
  readonly address: string;
  /** Default: 54321. */
  readonly port: number;
  readonly protocol: AgentProtocol;
  /** null: plain TCP (laboratory, tests). */
  readonly tls: AgentTls | null;
}

/**
 * All that an observer may say to an agent Host.ping and Host.confirmConnectivity are not even
 * known here: they feed the host's network roll-back guard.
 */
const reading = [
  'Host.getStats',
  'Host.getCapabilities',
  'Host.getHardwareInfo',
  'Host.getAllVmStats',
  'Host.getVMList',
  'Host.dumpxmls',
  'Host.getJobs',
  'Host.getAllVmIoTunePolicies',
  'Host.ping2',
] as const;

/** Methods of the agent that vurti knows (vdsm-protocol.md §4). */
export const agentMethods = [...reading, 'VM.destroy'] as const;
export type AgentMethod = (typeof agentMethods)[number];

export const observerMethods: ReadonlySet<AgentMethod> = new Set<AgentMethod>(reading);
