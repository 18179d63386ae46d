import { readFileSync } from 'node:fs';
import { parseJson } from '../../../src/fetcher/json.js';
import type { HostEndpoint } from '../../../src/model/index.js';

export const host: HostEndpoint = {
  id: 'kvm-07',
  name: 'kvm-07',
  address: 'kvm-07.example.test',
  port: 54_321,
  protocol: 'http',
  tls: null,
};

export type Json = Record<string, unknown>;

const bodies = new Map<string, Buffer>();

/** A fresh copy of the `result` of one method, as the decoders get it. */
export function fixture<T = Json>(name: string): T {
  const body = bodies.get(name) ?? readFileSync(new URL(`../../fixtures/vdsm/${name}.json`, import.meta.url));
  bodies.set(name, body);
  return parseJson(body) as T;
}

/** All samples that hold a list of VMs. */
export const vmLists = [
  'Host.getAllVmStats',
  'captured/Host.getAllVmStats',
  'captured/Host.getAllVmStats.paused-and-down',
  'captured/VM.getStats',
];
