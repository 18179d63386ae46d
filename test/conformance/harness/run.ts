import { runAudit } from './areas-audit.js';
import { runBalloon } from './areas-balloon.js';
import { runDevices } from './areas-devices.js';
import { runExternal } from './areas-external.js';
import { runGuest } from './areas-guest.js';
import { runHost } from './areas-host.js';
import { runHostFailure } from './areas-host-failure.js';
import { runHostRules } from './areas-host-rules.js';
import { runHostStats } from './areas-host-stats.js';
import { runMaintenance } from './areas-maintenance.js';
import { runNetwork } from './areas-network.js';
import { runRecovery } from './areas-recovery.js';
import { runParsing, runStatistics } from './areas-statistics.js';
import { runVm } from './areas-vm.js';
import { runJobs, runLuns } from './areas-vm-jobs.js';
import type { AreaRunner, ConformanceCase, Failures } from './case.js';
import { misunderstood } from './words.js';

const areas: Readonly<Record<string, AreaRunner>> = {
  audit: runAudit,
  balloon: runBalloon,
  devices: runDevices,
  external: runExternal,
  guest: runGuest,
  host: runHost,
  'host-failure': runHostFailure,
  'host-rules': runHostRules,
  'host-stats': runHostStats,
  jobs: runJobs,
  luns: runLuns,
  maintenance: runMaintenance,
  network: runNetwork,
  parsing: runParsing,
  recovery: runRecovery,
  statistics: runStatistics,
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
  failures.push(...misunderstood(c));
  if (runner !== undefined) {
    try {
      await runner(c, failures);
    } catch (error) {
      failures.push(`threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }
  return { id: c.id, area: c.area, pass: failures.length === 0, failures };
}
