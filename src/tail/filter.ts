import { type LogRecord, nameOfRecord, type Severity, severityIds } from '../events/index.js';

/** What a reader wants to see. Parts that are given must all hold; a list holds when one of its members does. */
export interface LogFilter {
  readonly kinds?: readonly LogRecord['kind'][];
  readonly hostIds?: readonly string[];
  readonly vmIds?: readonly string[];
  readonly clusterIds?: readonly string[];
  /** Names of events, "vm.changed" and the like for changes, kinds of advice for intents. */
  readonly types?: readonly string[];
  /** This and worse. Only events have one: others do not pass. */
  readonly severity?: Severity;
  /** Time of the record, ms, both included. */
  readonly since?: number;
  readonly until?: number;
}

export type RecordTest = (record: LogRecord) => boolean;

/** The filter as one function, made once per reader: it sees every record of the log. */
export function recordTest(filter: LogFilter = {}): RecordTest {
  const { since, until, severity } = filter;
  const tests: RecordTest[] = [];
  const among = (wanted: readonly string[] | undefined, of: (record: LogRecord) => string | null): void => {
    if (wanted === undefined) return;
    const known = new Set(wanted);
    tests.push((record) => {
      const value = of(record);
      return value !== null && known.has(value);
    });
  };
  among(filter.kinds, (record) => record.kind);
  if (severity !== undefined) {
    tests.push((record) => record.kind === 'event' && severityIds[record.severity] >= severityIds[severity]);
  }
  among(filter.types, nameOfRecord);
  among(filter.hostIds, (record) => record.hostId);
  among(filter.vmIds, (record) => record.vmId);
  among(filter.clusterIds, (record) => record.clusterId);
  if (since !== undefined) tests.push((record) => record.time >= since);
  if (until !== undefined) tests.push((record) => record.time <= until);
  return (record) => tests.every((test) => test(record));
}
