import { messageOf, VurtiError } from '../../kernel/index.js';
import { DataRefused } from '../flush-target.js';

/**
 * SQLSTATEs that say "this value cannot be stored": data exceptions, integrity, program limits (a key longer than an
 * index page). Not 23505: keys are upserted and record numbers are ours, so a duplicate is a damaged log, no bad row.
 */
const DATA = /^(?:22|23(?!505)|54)/;

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
