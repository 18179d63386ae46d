import { VirtualTime } from '../../src/kernel/index.js';
import { Fleet, type FleetOptions } from '../../src/simulator/index.js';

/** An entry of Host.getAllVmStats as far as the tests look at it. */
export interface VmEntry {
  readonly vmId: string;
  readonly vmName?: string;
  readonly status: string;
  readonly statusTime: string;
  readonly elapsedTime?: string;
  readonly pauseCode?: string;
  readonly cpuUsage?: string;
  readonly cpuActual?: boolean;
  readonly exitCode?: number;
  readonly exitReason?: number;
  readonly hash?: string;
  readonly clientIp?: string;
  readonly monitorResponse?: string;
  readonly appsList?: readonly string[];
  readonly migrationProgress?: number;
  readonly vmJobs?: Readonly<Record<string, { readonly cur: number; readonly end: number }>>;
  readonly network?: Readonly<Record<string, { readonly rx: string; readonly tx: string }>>;
  readonly disks?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export interface HostEntry {
  readonly vmCount: number;
  readonly vmActive: number;
  readonly bootTime?: string;
  readonly cpuUser: string;
  readonly cpuSys: string;
  readonly cpuIdle: string;
  readonly memUsed: string;
  readonly dateTime: string;
  readonly network: Readonly<Record<string, { readonly state: string; readonly rx: string }>>;
}

export function makeFleet(options: Partial<FleetOptions> = {}): { time: VirtualTime; fleet: Fleet } {
  const time = new VirtualTime();
  const fleet = new Fleet({ clock: time, scheduler: time, hosts: 4, vms: 24, ...options });
  return { time, fleet };
}

export function resultOf(fleet: Fleet, host: string, method: string, params?: Record<string, unknown>): unknown {
  const answer = fleet.host(host).ask(method, params);
  if ('error' in answer) throw new Error(`${answer.error.code} ${answer.error.message}`);
  return JSON.parse(answer.result) as unknown;
}

export function errorCode(fleet: Fleet, host: string, method: string, params?: Record<string, unknown>): number | null {
  const answer = fleet.host(host).ask(method, params);
  return 'error' in answer ? answer.error.code : null;
}

export const vmStats = (fleet: Fleet, host: string): VmEntry[] =>
  resultOf(fleet, host, 'Host.getAllVmStats') as VmEntry[];

export const hostStats = (fleet: Fleet, host: string): HostEntry => resultOf(fleet, host, 'Host.getStats') as HostEntry;

/** What each host says of the VM. */
export function entriesOf(fleet: Fleet, vm: string): { host: string; entry: VmEntry }[] {
  const { id } = fleet.vm(vm);
  return fleet
    .hosts()
    .flatMap(({ name }) => vmStats(fleet, name).map((entry) => ({ host: name, entry })))
    .filter(({ entry }) => entry.vmId === id);
}

/** The one entry of the VM in the fleet. */
export function entryOf(fleet: Fleet, vm: string): VmEntry {
  const found = entriesOf(fleet, vm);
  const [only] = found;
  if (only === undefined || found.length !== 1) throw new Error(`${vm} is listed ${found.length} times`);
  return only.entry;
}

/** All that agents say now: the world as it is seen. */
export function picture(fleet: Fleet): string {
  return fleet
    .hosts()
    .flatMap(({ name }) =>
      ['Host.getStats', 'Host.getAllVmStats', 'Host.getVMList', 'Host.getCapabilities'].map((method) =>
        JSON.stringify(fleet.host(name).ask(method)),
      ),
    )
    .join('\n');
}
