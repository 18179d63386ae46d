import type { CommitterState } from '../events/index.js';
import type { MonitorStatus } from './api.js';
import { duration } from './duration.js';

/** More names than this help nobody; the count is told. */
const MOST_REFUSED = 10;

export function databaseReport(kind: 'postgres' | 'memory', committer: CommitterState): MonitorStatus['database'] {
  const { waitingRows, waitingRecords, setAside, failingSince, lastError, flushP99Ms, journal } = committer;
  return {
    ...{ kind, waitingRows, waitingRecords, failingSince, lastError, flushP99Ms },
    setAside: setAside.length,
    refused: setAside.slice(0, MOST_REFUSED).map(({ kind: table, key, message }) => ({ table, key, message })),
    journal:
      journal === null
        ? null
        : {
            mode: journal.mode,
            flushes: journal.flushes,
            bytes: journal.bytes,
            maxBytes: journal.maxBytes,
            lastError: journal.lastError,
            setAside: journal.setAside.map((file) => `${journal.place}/${file}`),
          },
  };
}

type Item = MonitorStatus['attention'][number];

/** What is wrong with the place where all is kept, worst first. */
export function serviceTroubles(committer: CommitterState, now: number): Item[] {
  const { setAside, journal, failingSince } = committer;
  const items: Item[] = [];
  const add = (severity: Item['severity'], name: string, text: string): void => {
    items.push({ severity, kind: 'service', id: name, name, text });
  };
  if (journal?.mode === 'full') add('ALERT', 'journal', 'is full: a crash now loses what waits in memory');
  if (journal?.mode === 'failed') {
    add('ALERT', 'journal', `cannot be written, a crash now loses what waits: ${journal.lastError ?? 'unknown'}`);
  }
  if (failingSince !== null) add('ERROR', 'database', awayText(committer, now - failingSince));
  const [refused] = setAside;
  if (refused !== undefined) {
    const more = setAside.length > 1 ? ` and ${setAside.length - 1} more` : '';
    add('ERROR', 'database', `refused ${refused.kind} ${refused.key}${more}: ${refused.message}`);
  }
  const [file] = journal?.setAside ?? [];
  if (file !== undefined && journal !== null) {
    const more = journal.setAside.length > 1 ? ` and ${journal.setAside.length - 1} more` : '';
    add('WARNING', 'journal', `${journal.place}/${file}${more} could not be used: look, then remove`);
  }
  return items;
}

function awayText({ waitingRecords, journal, lastError }: CommitterState, ms: number): string {
  const where = journal?.mode === 'keeping' ? 'in the journal' : 'in memory';
  return `takes nothing for ${duration(ms)}; ${waitingRecords} records wait ${where}: ${lastError ?? 'unknown'}`;
}
