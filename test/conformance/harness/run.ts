import { runAudit } from './areas-audit.js';
import { runHost } from './areas-host.js';
import { runHostFailure } from './areas-host-failure.js';
import { runHostRules } from './areas-host-rules.js';
import { runHostStats } from './areas-host-stats.js';
import { runMaintenance } from './areas-maintenance.js';
import { runNetwork } from './areas-network.js';
import { runRecovery } from './areas-recovery.js';
import { runVm } from './areas-vm.js';
import type { AreaRunner, ConformanceCase, Failures } from './case.js';

const areas: Readonly<Record<string, AreaRunner>> = {
  audit: runAudit,
  host: runHost,
  'host-failure': runHostFailure,
  'host-rules': runHostRules,
  'host-stats': runHostStats,
  maintenance: runMaintenance,
  network: runNetwork,
  recovery: runRecovery,
  vm: runVm,
  'vm-pass': runVm,
};

export interface CaseResult {
  readonly id: string;
  readonly area: string;
  readonly pass: boolean;
  readonly failures: readonly string[];
}

/** Runs one case; whatever goes wrong is one of its failures. */
export async function runCase(c: ConformanceCase): Promise<CaseResult> {
  const failures: Failures = [];
  const runner = areas[c.area];
  if (runner === undefined) failures.push(`there is no harness for the area "${c.area}"`);
  else {
    try {
      await runner(c, failures);
    } catch (error) {
      failures.push(`threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }
  return { id: c.id, area: c.area, pass: failures.length === 0, failures };
}
