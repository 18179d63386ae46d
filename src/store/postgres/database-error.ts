import { messageOf, VurtiError } from '../../kernel/index.js';
import { DataRefused } from '../flush-target.js';

/**
 * SQLSTATEs that say "this value cannot be stored": data exceptions, integrity, program limits (a key longer than an
 * index page), what a trigger of the database's owner raises. Not 23505: keys are upserted and record numbers are ours, so a duplicate is a damaged log, no bad row.
 */
const DATA = /^(?:22|23(?!505)|44|54|P0001)/;

/** Any failure of pg as one of ours: the data's fault (DataRefused) or the database's (DATABASE_UNREACHABLE). */
export function databaseError(error: unknown): VurtiError {
  if (error instanceof VurtiError) return error;
  const message = textOf(error);
  const state = sqlStateOf(error);
  if (state !== null && DATA.test(state)) return new DataRefused(message, error);
  const details = state === null ? {} : { sqlState: state };
  return new VurtiError('DATABASE_UNREACHABLE', `PostgreSQL: ${message}`, { cause: error, details });
}

export function sqlStateOf(error: unknown): string | null {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null;
}

function textOf(error: unknown): string {
  // Node tries each address of a name and throws one error without a message for all of them.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return messageOf(error);
}

/** SQLSTATEs of a server that starts, stops, or has no connection left: connection exceptions, resources, operator. */
const AWAY_STATE = /^(?:08|53|57P0[1-5])/;
/** What Node and pg say where no server answers, or its name is not known yet. */
const AWAY_CODE = new Set(
  'ECONNREFUSED ECONNRESET ETIMEDOUT EHOSTUNREACH EHOSTDOWN ENETUNREACH ENETDOWN EPIPE ENOTFOUND EAI_AGAIN'.split(' '),
);
const AWAY_TEXT = /^(?:timeout expired|timeout exceeded when trying to connect|Connection terminated)/;

/** Whether the server did not answer: it may later. False: it answered, and will so again. */
export function isAway(error: unknown): error is VurtiError {
  if (!(error instanceof VurtiError) || error.code !== 'DATABASE_UNREACHABLE') return false;
  // Without a cause it is a deadline of ours.
  return error.cause === undefined || isAwayCause(error.cause);
}

function isAwayCause(cause: unknown): boolean {
  if (cause instanceof AggregateError && cause.errors.length > 0) return cause.errors.every(isAwayCause);
  const state = sqlStateOf(cause);
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  // A socket that is not there, not a file of certificates.
  if (code === 'ENOENT') return cause instanceof Error && 'syscall' in cause && cause.syscall === 'connect';
  // Node's codes may look like a state.
  if (AWAY_CODE.has(code)) return true;
  return state === null ? AWAY_TEXT.test(messageOf(cause)) : AWAY_STATE.test(state);
}
