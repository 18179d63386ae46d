import type { Monitor, MonitorFigures, MonitorStatus } from '../../monitor/index.js';
import { type Family, header, sample } from './exposition.js';

interface ServiceGauge extends Family {
  readonly of: (status: MonitorStatus & MonitorFigures) => number | null;
}

const levels = { loading: 0, serving: 1, synced: 2 } as const;

/** What the service says of itself in its status; counters of the same things stand in the catalogue. */
export const serviceGauges: readonly ServiceGauge[] = [
  {
    name: 'vurti_readiness',
    help: '0 loading the stored state, 1 serving it, 2 synced: every monitored host has had its chance.',
    of: (s) => levels[s.readiness],
  },
  {
    name: 'vurti_degraded',
    help: '1 while the database is away or rows are set aside.',
    of: (s) => (s.condition === 'degraded' ? 1 : 0),
  },
  {
    name: 'vurti_start_time_seconds',
    help: 'When the monitor was started.',
    of: (s) => s.startedAt / 1000,
  },
  { name: 'vurti_polls_in_flight', help: 'Calls to agents in flight.', of: (s) => s.polls.inFlight },
  {
    name: 'vurti_calls_waiting',
    help: 'Calls to agents that wait for a slot: poll.concurrency is used up.',
    of: (s) => s.callsWaiting,
  },
  {
    name: 'vurti_evidence_waiting',
    help: 'Pieces of evidence that wait to be judged.',
    of: (s) => s.evidenceWaiting,
  },
  { name: 'vurti_push_hosts', help: 'Hosts that push what happens.', of: (s) => s.pushes.hosts },
  {
    name: 'vurti_push_hosts_healthy',
    help: 'Those of them whose pushes are whole; the others are polled at full pace.',
    of: (s) => s.pushes.healthy,
  },
  {
    name: 'vurti_vms_oldest_live_report_seconds',
    help: 'Age of the oldest report of a VM that counts as live.',
    of: (s) => s.vms.oldestLiveSeconds,
  },
  { name: 'vurti_attention_items', help: 'What needs somebody (vurti status).', of: (s) => s.attention.length },
  { name: 'vurti_store_waiting_rows', help: 'Rows that wait for a flush.', of: (s) => s.database.waitingRows },
  {
    name: 'vurti_store_waiting_records',
    help: 'Log records that wait for a flush.',
    of: (s) => s.database.waitingRecords,
  },
  {
    name: 'vurti_store_failing_since_timestamp_seconds',
    help: 'Since when the database fails; 0 while it works.',
    of: (s) => (s.database.failingSince ?? 0) / 1000,
  },
  {
    name: 'vurti_rules_off',
    help: 'Rules that are off because their input is not known.',
    of: (s) => s.rulesOff.length,
  },
  {
    name: 'vurti_client_certificate_expiry_timestamp_seconds',
    help: 'When our own certificate for agents expires.',
    of: (s) => (s.certificateExpiresAt === null ? null : s.certificateExpiresAt / 1000),
  },
];

export const buildInfo: Family = { name: 'vurti_build_info', help: 'Version and mode of this service.' };

export function serviceSeries(monitor: Monitor): string {
  const figures = { ...monitor.status(), ...monitor.figures() };
  const { version, mode } = figures;
  let text = header(buildInfo) + sample(buildInfo.name, { version, mode }, 1);
  for (const gauge of serviceGauges) text += header(gauge) + sample(gauge.name, {}, gauge.of(figures));
  return text;
}
