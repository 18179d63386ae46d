import pg from 'pg';
import type { PostgresConnection } from './connection.js';

/** How long the opening of a connection may take. */
const CONNECT_MS = 10_000;

const INT8 = 20;

export function clientConfig(connection: string | PostgresConnection, name: string): pg.ClientConfig {
  const { ssl, ...where } = typeof connection === 'string' ? { connectionString: connection } : connection;
  return {
    ...where,
    ...(ssl === undefined ? {} : { ssl: typeof ssl === 'boolean' ? ssl : { ...ssl } }),
    application_name: `vurti ${name}`,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // Our statements are short: compiling them to machine code takes longer than running them.
    options: '-c jit=off',
    types: {
      // Whole numbers of ours are within ±2^53; pg gives int8 as text.
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === INT8 && format !== 'binary' ? Number : pg.types.getTypeParser(oid, format),
    } as pg.CustomTypesConfig,
  };
}
