import type { Cause, ChangeSet, EventName, EventRecord, Evidence } from '../../../../src/events/index.js';
import { ruleBook } from '../../../../src/rules/index.js';
import type { Law, World } from '../world.js';

const rules: ReadonlySet<string> = new Set(
  ruleBook.flatMap(({ tables }) => tables.flatMap(({ rows }) => rows.map(({ name }) => name))),
);

/** They tell that something is another way than before: a change record of the same entity stands beside them. */
const tellOfChange: ReadonlySet<EventName> = new Set<EventName>([
  ...(['VM_DOWN', 'VM_DOWN_ERROR', 'VM_DOWN_UNOBSERVED', 'VM_MIGRATION_ABORT', 'VM_SET_TO_UNKNOWN_STATUS'] as const),
  ...(['VM_STATUS_RESTORED', 'VM_PAUSED', 'VM_PAUSED_ENOSPC', 'VM_PAUSED_ERROR', 'VM_PAUSED_EIO'] as const),
  ...(['VM_PAUSED_EPERM', 'VM_RECOVERED_FROM_PAUSE_ERROR', 'VM_NOT_RESPONDING', 'VM_POWER_DOWN_FAILED'] as const),
  ...(['USER_REBOOT_VM', 'USER_SUSPEND_VM_OK', 'USER_FAILED_SUSPEND_VM', 'VM_CONSOLE_CONNECTED'] as const),
  ...(['VM_CONSOLE_DISCONNECTED', 'WATCHDOG_EVENT', 'HA_VM_FAILED', 'COLD_REBOOT_VM_DOWN'] as const),
  ...(['VM_WAS_SET_DOWN_DUE_TO_HOST_REBOOT_OR_MANUAL_FENCE', 'VDS_FAILURE', 'VDS_INITIALIZING'] as const),
  ...(['VDS_SET_NONOPERATIONAL', 'VDS_SET_NONOPERATIONAL_NETWORK', 'VDS_SET_NONOPERATIONAL_IFACE_DOWN'] as const),
]);

/**
 * Law 3. Every record says what caused it: a rule of the book, and a source that was there: evidence with that number, a
 * word of somebody at that moment, a timer. An event of a VM rests on a change of that VM in the same change set, or on
 * evidence that tells of that VM.
 */
export class EventsHaveGrounds implements Law {
  readonly name = '3 (no event without a change or a fact)';
  readonly #evidence = new Map<string, Evidence[]>();

  starting(): void {
    this.#evidence.clear();
  }

  evidence(_: World, evidence: Evidence): void {
    const key = keyOf(evidence.host, evidence.stamp.session, evidence.stamp.seq);
    this.#evidence.set(key, [...(this.#evidence.get(key) ?? []), evidence]);
  }

  committed(world: World, { records }: ChangeSet): void {
    for (const record of records) {
      const what = record.kind === 'event' ? record.name : record.kind;
      if (record.time !== world.now) world.break(this, `${what} is of another time than now`);
      if (!rules.has(record.cause.rule)) world.break(this, `${what}: there is no rule "${record.cause.rule}"`);
      const wrong = this.#wrongSource(world, record.cause);
      if (wrong !== null) world.break(this, `${what} by ${record.cause.rule}: ${wrong}`);
      if (record.kind === 'event') this.#judge(world, record, records);
    }
  }

  #wrongSource(world: World, { source }: Cause): string | null {
    switch (source.by) {
      case 'poll':
      case 'push': {
        const known = this.#evidence.has(keyOf(source.host, source.session, source.seq));
        return known ? null : `nothing of ${source.host} has the number ${source.seq}`;
      }
      case 'failure': {
        const known = [...this.#evidence.values()].some((all) =>
          all.some(
            ({ name, host, stamp }) =>
              name === 'VdsUnreachable' && host === source.host && stamp.receivedAt === source.at,
          ),
        );
        return known ? null : `${source.host} did not fail then`;
      }
      case 'inventory':
      case 'command':
        return source.at === world.toldAt ? null : 'nobody said anything then';
      case 'timer':
      case 'start':
        return source.at === world.now ? null : 'it is not that time';
    }
  }

  #judge(world: World, event: EventRecord, records: ChangeSet['records']): void {
    const { name, vmId, hostId, cause } = event;
    const changed = records.some(
      (record) =>
        record.kind === 'change' &&
        (vmId === null ? record.entity === 'host' && record.entityId === hostId : record.entityId === vmId),
    );
    if (changed) return;
    if (tellOfChange.has(name) && !isLeftToItsHandOver(cause))
      world.break(this, `${event.message} (${name} by ${cause.rule}), and nothing has changed`);
    const { source } = cause;
    if (vmId === null || (source.by !== 'poll' && source.by !== 'push')) return;
    const told = (this.#evidence.get(keyOf(source.host, source.session, source.seq)) ?? []).some((evidence) => {
      if (evidence.name === 'VmStatsReceived') return evidence.report.has(vmId) || evidence.stamp.complete;
      return 'vmId' in evidence && evidence.vmId === vmId;
    });
    if (!told) world.break(this, `${name} by ${cause.rule}: its evidence says nothing of ${vmId}`);
  }
}

/** A forced power-off of a VM that migrates is told, and its state left to the hand-over (monitoring-rules.md §4.8.1, §4.9). */
const isLeftToItsHandOver = ({ rule }: Cause): boolean => rule === 'vm.absent.powered-off';

const keyOf = (host: string, session: number, seq: number): string => `${host} ${session} ${seq}`;
