import type { HostJob, SimHost } from './entities.js';
import { jobChanged } from './notifications.js';
import type { World } from './world.js';

/** Finished jobs are listed for so long. */
const LISTED_MS = 3_600_000;

export interface HostJobPlan {
  readonly id: string;
  readonly description: string;
  readonly seconds: number;
  readonly fails: boolean;
}

/** A storage job of a host: pending for a second, running, done or failed, and listed for an hour after that. */
export function startJob(world: World, host: SimHost, plan: HostJobPlan): void {
  const { id, description, seconds, fails } = plan;
  const from = world.now + 1000;
  const job: HostJob = { id, description, from, until: from + seconds * 1000, status: 'pending' };
  host.jobs.set(id, job);
  const enter = (status: HostJob['status']): boolean => {
    // A reboot has ended it.
    if (host.jobs.get(id) !== job) return false;
    job.status = status;
    jobChanged(world, host, job);
    return true;
  };
  enter('pending');
  world.planner.after(1000, () => {
    if (!enter('running')) return;
    world.planner.after(seconds * 1000, () => {
      if (!enter(fails ? 'failed' : 'done')) return;
      world.planner.after(LISTED_MS, () => {
        if (host.jobs.get(id) === job) host.jobs.delete(id);
      });
    });
  });
}
