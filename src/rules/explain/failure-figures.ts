import type { HostCase } from '../host/case.js';
import { graceSeconds } from '../host/failure.js';
import { many } from './outlook.js';

/** How far a silent host has come: "4 failed attempts (lost after more than 2), 73s silent (and 73s = 60 + 0.5 × 26 VMs)". */
export function failureFigures(c: HostCase, attempts: number): string {
  const { grace } = c.settings;
  const { vmCount } = c.host.dynamic;
  const spm = c.host.static.spmStatus === 'None' ? '' : ` + ${grace.spmSeconds} as storage pool manager`;
  const total = graceSeconds(grace, vmCount, c.host.static.spmStatus);
  const silent = Math.max(0, Math.trunc((c.now - c.liveness.lastAnswerAt) / 1000));
  return `${many(attempts, 'failed attempt')} (lost after more than ${grace.attempts}), ${silent}s silent (and more than ${total} = ${grace.seconds} + ${grace.perVmSeconds} × ${many(vmCount, 'VM')}${spm})`;
}
