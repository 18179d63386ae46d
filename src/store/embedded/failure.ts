import { messageOf, VurtiError } from '../../kernel/index.js';

/** The error of a database that does not start: what failed, and the last that PostgreSQL itself said about it. */
export function databaseFailure(
  what: string,
  more: { said?: string; hint?: string; cause?: unknown; details?: Readonly<Record<string, unknown>> } = {},
): VurtiError {
  const said = more.said?.trim();
  const quoted = said === undefined || said === '' ? '' : `\n${said.replace(/^/gm, '  ')}`;
  return new VurtiError('EMBEDDED_DATABASE', `${what}${quoted}`, {
    ...('cause' in more ? { cause: more.cause } : {}),
    ...(more.hint === undefined ? {} : { hint: more.hint }),
    ...(more.details === undefined ? {} : { details: more.details }),
  });
}

/** Errors of the file system and of other tools become ours too, so that a caller sees one code for "no database". */
export function asDatabaseFailure(error: unknown): VurtiError {
  if (error instanceof VurtiError) return error;
  return databaseFailure(`The embedded PostgreSQL does not start: ${messageOf(error)}`, { cause: error });
}

export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
