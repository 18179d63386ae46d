import { notMonitored, type Vds, type VdsLiveness } from '../../model/index.js';

/** Whether a monitored host has not answered for so long that somebody should look (oVirt HostMonitoringWatchdog, §2.1). */
export function isStale(host: Vds, liveness: VdsLiveness, silentSeconds: number, now: number): boolean {
  return !notMonitored.has(host.dynamic.status) && now - liveness.lastAnswerAt >= silentSeconds * 1000;
}
