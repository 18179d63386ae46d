import type { HostCase } from '../host/case.js';
import { graceSeconds } from '../host/failure.js';
import { many } from './outlook.js';

/** How far a silent host has come: "4 failed attempts (> 2), 74s silent (> 73 = 60 + 0.5 × 26 VMs)". Both must be passed. */
export function failureFigures(c: HostCase, attempts: number): string {
  const { grace } = c.settings;
  const { vmCount } = c.host.dynamic;
  const spm = c.host.static.spmStatus === 'None' ? '' : ` + ${grace.spmSeconds} as storage pool manager`;
  const total = graceSeconds(grace, vmCount, c.host.static.spmStatus);
  const silentMs = Math.max(0, c.now - c.liveness.lastAnswerAt);
  const passed = (is: boolean): string => (is ? '>' : '≤');
  const tries = `${many(attempts, 'failed attempt')} (${passed(attempts > grace.attempts)} ${grace.attempts})`;
  const sum = `${total} = ${grace.seconds} + ${grace.perVmSeconds} × ${many(vmCount, 'VM')}${spm}`;
  return `${tries}, ${Math.trunc(silentMs / 1000)}s silent (${passed(silentMs > total * 1000)} ${sum})`;
}
