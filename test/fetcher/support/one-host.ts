import { FakeFetcher } from '../../../src/fetcher/index.js';
import type { HostEndpoint } from '../../../src/model/index.js';
import { patient } from './calls.js';

export const endpoint = (name: string): HostEndpoint => ({
  id: name,
  name,
  address: `${name}.example.test`,
  port: 54_321,
  protocol: 'vdsm',
  tls: null,
});

export const kvm = endpoint('kvm-07');

/** Agents of one host with one VM. */
export const one = () => new FakeFetcher().host('kvm-07', { vms: { 'web-03': { status: 'Up' } } });

export const statusOf = async (agents: FakeFetcher, vmId = 'web-03', host = kvm) =>
  (await agents.getAllVmStats(host, patient())).get(vmId)?.status;
