/** Severities with oVirt's numbers (AuditLogSeverity). */
export const severityIds = { NORMAL: 0, WARNING: 1, ERROR: 2, ALERT: 10 } as const;
export type Severity = keyof typeof severityIds;

export interface CatalogueEntry {
  /** oVirt's id (AuditLogType); ours begin at 20000. */
  readonly id: number;
  readonly severity: Severity;
  /** The same event of the same entity is held back for this long; 0 = never. */
  readonly floodSeconds: number;
  readonly about: 'host' | 'vm' | 'cluster' | 'service';
  /** Names of the parameters that the message uses. */
  readonly params: readonly string[];
  /** Message; {Name} is a parameter, {host} and {vm} are always there. */
  readonly text: string;
  /** When it is raised, one line for docs/events.md. */
  readonly doc: string;
}

const host = (
  id: number,
  severity: Severity,
  floodSeconds: number,
  text: string,
  doc: string,
): CatalogueEntry => ({ id, severity, floodSeconds, about: 'host', params: paramsOf(text), text, doc });
const vm = (id: number, severity: Severity, floodSeconds: number, text: string, doc: string): CatalogueEntry => ({
  id,
  severity,
  floodSeconds,
  about: 'vm',
  params: paramsOf(text),
  text,
  doc,
});

function paramsOf(text: string): string[] {
  return [...text.matchAll(/\{([A-Z]\w*)\}/g)].map((match) => match[1] as string);
}

/**
 * Every event that vurti raises. Names, ids, severities and flood times of oVirt's events are oVirt's; the wording is
 * ours. `docs/events.md` is generated from here. Entries are added, never renamed or renumbered.
 */
export const catalogue = {
  // Hosts (monitoring-rules.md §5.1)
  VDS_DETECTED: host(13, 'NORMAL', 0, '{host} is {HostStatus}', 'Contact was made and the status is known.'),
  VDS_FAILURE: host(12, 'ERROR', 0, 'NonResponsive: {Error}', 'No answer, and the grace period is over.'),
  VDS_UNKNOWN_HOST: host(10804, 'ERROR', 0, 'NonResponsive: {Error}', 'As VDS_FAILURE, because the name of the host does not resolve.'),
  VDS_HOST_NOT_RESPONDING_CONNECTING: host(
    9008,
    'WARNING',
    0,
    'no answer; counts as lost after {Seconds}s of silence, then it may be fenced',
    'First failed attempt; power management is configured.',
  ),
  VDS_HOST_NOT_RESPONDING: host(
    9027,
    'WARNING',
    180,
    'no answer; counts as lost after {Seconds}s of silence',
    'First failed attempt; no power management.',
  ),
  VDS_INITIALIZING: host(514, 'WARNING', 30, 'agent is recovering: {ErrorMessage}', 'The agent answers code 99.'),
  VDS_RECOVER_FAILED: host(19, 'ERROR', 60, 'did not recover in time', 'The agent answered code 99 for too long, or fencing failed.'),
  VDS_BROKER_COMMAND_FAILURE: host(10802, 'ERROR', 30, '{CommandName} failed: {message}', 'The agent answered a call with an error.'),

  // VMs (§5.2)
  VM_DOWN: vm(61, 'NORMAL', 0, '{vm} is down. {ExitMessage}', 'The VM ended as it was meant to.'),
  VM_DOWN_ERROR: vm(119, 'ERROR', 0, '{vm} is down with error. {ExitMessage}', 'The VM ended unexpectedly, or is gone without a trace.'),
  VM_MIGRATION_ABORT: vm(64, 'ERROR', 0, 'migration of {vm} was aborted: {MigrationError}', 'The source ended without having handed the VM over.'),
  VM_SET_TO_UNKNOWN_STATUS: vm(142, 'WARNING', 0, '{vm} was set to Unknown', 'Its host is lost; the VM may still run.'),
  VM_STATUS_RESTORED: vm(163, 'NORMAL', 0, '{vm} was restored to {VmStatus}', 'An Unknown VM is reported again.'),
  VM_PAUSED: vm(1025, 'NORMAL', 0, '{vm} has been paused', 'The VM is reported Paused.'),
  VM_PAUSED_ENOSPC: vm(138, 'ERROR', 0, '{vm} is paused: no storage space left', 'Pause code ENOSPC.'),
  VM_PAUSED_ERROR: vm(139, 'ERROR', 0, '{vm} is paused: unknown storage error', 'Pause code EOTHER.'),
  VM_PAUSED_EIO: vm(145, 'ERROR', 0, '{vm} is paused: storage I/O problem', 'Pause code EIO.'),
  VM_PAUSED_EPERM: vm(146, 'ERROR', 0, '{vm} is paused: storage permission problem', 'Pause code EPERM.'),
  VM_RECOVERED_FROM_PAUSE_ERROR: vm(196, 'NORMAL', 0, '{vm} has recovered from its pause', 'Up again after a pause on error.'),
  VM_NOT_RESPONDING: vm(126, 'WARNING', 0, '{vm} is not responding', 'The monitor of its QEMU is silent.'),
  USER_SUSPEND_VM_OK: vm(503, 'NORMAL', 0, '{vm} is suspended', 'Its state has been saved.'),
  USER_FAILED_SUSPEND_VM: vm(502, 'ERROR', 0, '{vm} could not be suspended', 'It ended while its state was being saved.'),

  // Our own, from 20000
  VM_DOWN_UNOBSERVED: vm(20001, 'WARNING', 0, '{vm} is gone; nobody saw how it ended. {ExitMessage}', 'Observer mode: absent, and pushes were not healthy.'),
  VM_RUNNING_ON_TWO_HOSTS: vm(20002, 'ALERT', 0, '{vm} is reported alive on {host} and on {OtherHost}', 'The host that lost the VM to another one still reports it (D11).'),
} as const satisfies Record<string, CatalogueEntry>;

export type EventName = keyof typeof catalogue;

/** The message of an event. A parameter that is missing shows as "-". */
export function formatMessage(name: EventName, values: Readonly<Record<string, string>>): string {
  return catalogue[name].text.replaceAll(/\{(\w+)\}/g, (_, key: string) => values[key] ?? '-').trim();
}
