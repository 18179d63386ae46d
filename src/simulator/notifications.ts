import type { Domain, HostJob, SimHost } from './entities.js';
import { json, quote } from './text.js';
import { vmStats } from './vm-payload.js';
import type { World } from './world.js';

/**
 * What an agent tells by itself, in VDSM's words (vdsm-protocol.md §5.3): each event carries the fields that its cause
 * knows and no others. Nothing tells that a VM vanished, that its monitor is silent, or that its devices changed.
 */

const vm = (world: World, domain: Domain, members: () => string): void => {
  const { id } = domain.machine;
  world.notify(domain.host, `|virt|VM_status|${id}`, () => `"${id}":{${members()}}`);
};

/** The status alone. */
export function statusChanged(world: World, domain: Domain): void {
  vm(world, domain, () => `"status":"${domain.status}"`);
}

/** The agent has it under its care from now on: after its launch, its arrival, or when it was found. */
export function adopted(world: World, domain: Domain): void {
  vm(world, domain, () => {
    const { vmId: _, statusTime: __, ...stats } = JSON.parse(vmStats(domain, world.now)) as Record<string, unknown>;
    return json(stats).slice(1, -1);
  });
}

/** The guest's agent has something new to say. */
export function guestChanged(world: World, domain: Domain): void {
  if (!domain.guestUp) statusChanged(world, domain);
  else vm(world, domain, () => `"status":"${domain.status}",${domain.machine.guest.text()}`);
}

/** QEMU stopped it for an error of its disk. The bare Paused has gone out by then. */
export function ioError(world: World, domain: Domain): void {
  const disk = domain.machine.disks[0];
  vm(world, domain, () => {
    const where = json({ alias: `ua-${disk?.imageId ?? ''}`, name: disk?.device ?? '', path: disk?.path ?? '' });
    return `"status":"Paused","pauseCode":"${domain.pauseCode ?? 'EOTHER'}","ioerror":${where}`;
  });
}

/** It has ended; `again`: the second time, as after VM.destroy, with members that nobody needs any more. */
export function ended(world: World, domain: Domain, again = false): void {
  const { exit, machine, host } = domain;
  if (exit === null) return;
  vm(world, domain, () => {
    const how = `"status":"Down","vmId":"${machine.id}","exitCode":${exit.code},"exitMessage":${quote(exit.message)},"exitReason":${exit.reason}`;
    if (!again) return how;
    const port = 5900 + domain.display;
    return `${how},"cpuUser":"0.00","cpuSys":"0.00","displayInfo":[{"type":"vnc","port":"${port}","tlsPort":"","ipAddress":"${host.address}"}]`;
  });
}

/** Told by the source; `downtimeMs` at the end alone. */
export function migrationProgress(world: World, source: Domain, percent: number, downtimeMs: number | null): void {
  const { id } = source.machine;
  const downtime = downtimeMs === null ? '' : `,"downtime":${downtimeMs}`;
  world.notify(
    source.host,
    `|virt|VM_migration_status|${id}`,
    () => `"${id}":{"progress":${percent},"postcopy":false${downtime}}`,
  );
}

/** Something about its network is new: the host's capabilities are to be read again. */
export function networkChanged(world: World, host: SimHost): void {
  world.notify(host, '|net|host_conn|no_id', () => '');
}

export function jobChanged(world: World, host: SimHost, job: HostJob): void {
  world.notify(host, `|jobs|status|${job.id}`, () => json(jobInfo(job, world.now)).slice(1, -1));
}

/** An entry of Host.getJobs. */
export function jobInfo(job: HostJob, now: number): Record<string, unknown> {
  const { id, description, from, until } = job;
  const done = until > from ? Math.max(0, Math.min(1, (now - from) / (until - from))) : 1;
  return {
    ...{ id, status: job.status, description, job_type: 'storage' },
    ...(job.status === 'running' ? { progress: Math.floor(100 * done) } : {}),
    ...(job.status === 'failed' ? { error: { code: 100, message: 'General Exception' } } : {}),
  };
}
