import { capabilities, hardwareInfo } from './capabilities.js';
import { domainXml } from './domain-xml.js';
import type { Domain, SimHost } from './entities.js';
import { hostStats } from './host-payload.js';
import * as lifecycle from './lifecycle.js';
import { jobInfo } from './notifications.js';
import { json } from './text.js';
import { ioTunePolicy, vmListEntry, vmStats } from './vm-payload.js';
import type { World } from './world.js';

/** An agent's answer to one call; the result is JSON text. */
export type AgentAnswer =
  | { readonly result: string }
  | { readonly error: { readonly code: number; readonly message: string } };

export interface AnswerOptions {
  /** Most VMs in one answer of Host.getAllVmStats. */
  readonly maxPage?: number;
}

type Params = Readonly<Record<string, unknown>>;
type Method = (world: World, host: SimHost, params: Params, options: AnswerOptions) => AgentAnswer;

const ok = (result: string): AgentAnswer => ({ result });
const fail = (code: number, message: string): AgentAnswer => ({ error: { code, message } });
const noSuchVm = (id: unknown): AgentAnswer => fail(1, `Virtual machine does not exist: {'vmId': '${String(id)}'}`);

const methods: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['Host.getStats', (world, host) => ok(hostStats(host, momentOf(world)))],
  ['Host.getCapabilities', (_, host) => ok(capabilities(host))],
  ['Host.getHardwareInfo', (_, host) => ok(hardwareInfo(host))],
  ['Host.getAllVmStats', getAllVmStats],
  ['Host.getVMList', getVmList],
  ['Host.dumpxmls', dumpXmls],
  ['Host.getJobs', getJobs],
  ['Host.getAllVmIoTunePolicies', getIoTunePolicies],
  ['Host.ping2', () => ok('true')],
  ['VM.getStats', getVmStats],
  ['VM.destroy', destroy],
]);

/**
 * Asks a host's agent. Its answers are the state of the world at its present time and change nothing, VM.destroy aside.
 * Of its troubles only those are seen here that an answer can show (code 99 …); the rest happens on the wire.
 */
export function ask(world: World, host: SimHost, method: string, params: Params, options: AnswerOptions): AgentAnswer {
  const { condition } = host;
  if (condition.kind === 'error') return fail(condition.code, condition.message);
  const run = methods.get(method);
  if (run === undefined) return fail(-32601, `The method '${method}' does not exist / is not available.`);
  return run(world, host, params, options);
}

function momentOf(world: World): { now: number; wall: number; wallOrigin: number } {
  return { now: world.now, wall: world.clock.now(), wallOrigin: world.planner.wallAt(0) };
}

/** All VMs, or a page of them: the marker of the next one is the place of the last VM of this one. */
function getAllVmStats(world: World, host: SimHost, params: Params, options: AnswerOptions): AgentAnswer {
  const { limit, marker } = params;
  if (limit !== undefined && (typeof limit !== 'number' || !Number.isSafeInteger(limit) || limit < 1)) {
    return fail(-32602, 'limit is not a positive integer');
  }
  const after = marker === undefined ? 0 : placeOf(marker);
  if (after === null) return fail(-32602, 'marker is not one of this agent');
  const most = Math.min(limit ?? Number.POSITIVE_INFINITY, options.maxPage ?? Number.POSITIVE_INFINITY);
  const paged = limit !== undefined || marker !== undefined || host.domains.size > most;
  let items = '';
  let count = 0;
  let last = 0;
  let more = false;
  for (const domain of host.domains.values()) {
    if (domain.order <= after) continue;
    if (count === most) {
      more = true;
      break;
    }
    items += count === 0 ? vmStats(domain, world.now) : `,${vmStats(domain, world.now)}`;
    last = domain.order;
    count += 1;
  }
  if (!paged) return ok(`[${items}]`);
  return ok(more ? `{"items":[${items}],"next":"${last.toString(36)}"}` : `{"items":[${items}]}`);
}

function placeOf(marker: unknown): number | null {
  if (typeof marker !== 'string' || !/^[0-9a-z]{1,8}$/.test(marker)) return null;
  return Number.parseInt(marker, 36);
}

function getVmList(world: World, host: SimHost, params: Params): AgentAnswer {
  const wanted =
    Array.isArray(params['vmList']) && params['vmList'].length > 0 ? new Set<unknown>(params['vmList']) : null;
  const entries = [...host.domains.values()]
    .filter((domain) => wanted === null || wanted.has(domain.machine.id))
    .map((domain) => vmListEntry(domain, world.now));
  return ok(`[${entries.join(',')}]`);
}

/** One unknown VM fails the whole call, as it does with VDSM; so does one that is Down, because libvirt has none. */
function dumpXmls(_: World, host: SimHost, params: Params): AgentAnswer {
  const { vmList } = params;
  if (!Array.isArray(vmList))
    return fail(-32603, "Internal JSON-RPC error: {'reason': \"missing argument: 'vmList'\"}");
  const xmls: Record<string, string> = {};
  for (const id of vmList as readonly unknown[]) {
    const domain = typeof id === 'string' ? host.domains.get(id) : undefined;
    if (domain === undefined || !domain.live)
      return fail(-32603, `Internal JSON-RPC error: {'reason': '${String(id)}'}`);
    xmls[domain.machine.id] = domainXml(domain);
  }
  return ok(json(xmls));
}

function getIoTunePolicies(_: World, host: SimHost): AgentAnswer {
  const entries = [...host.domains.values()]
    .filter((domain) => domain.live)
    .map((domain) => `"${domain.machine.id}":${ioTunePolicy(domain.machine)}`);
  return ok(`{${entries.join(',')}}`);
}

function getJobs(world: World, host: SimHost, params: Params): AgentAnswer {
  const { job_type: type, job_ids: ids } = params;
  const wanted = Array.isArray(ids) && ids.length > 0 ? new Set<unknown>(ids) : null;
  const jobs = [...host.jobs.values()]
    .filter((job) => (type === undefined || type === 'storage') && (wanted === null || wanted.has(job.id)))
    .map((job) => [job.id, jobInfo(job, world.now)]);
  return ok(json(Object.fromEntries(jobs)));
}

function domainOf(host: SimHost, params: Params): Domain | undefined {
  const id = params['vmID'];
  return typeof id === 'string' ? host.domains.get(id) : undefined;
}

function getVmStats(world: World, host: SimHost, params: Params): AgentAnswer {
  const domain = domainOf(host, params);
  return domain === undefined ? noSuchVm(params['vmID']) : ok(`[${vmStats(domain, world.now)}]`);
}

function destroy(world: World, host: SimHost, params: Params): AgentAnswer {
  const domain = domainOf(host, params);
  if (domain === undefined) return noSuchVm(params['vmID']);
  world.as('script', () => lifecycle.destroy(world, host, domain.machine.id));
  return ok('true');
}
