import pg from 'pg';
import { describe, expect, it, vi } from 'vitest';
import { type Connection, urlOf } from '../../../src/store/embedded/connection.js';

describe('urlOf', () => {
  it.each<Connection>([
    { host: '/srv/it is 100% "mine", ü/socket', port: 5432, user: 'vurti', database: 'vurti' },
    { host: '127.0.0.1', port: 40123, user: 'vurti', database: 'vurti', password: 'a/b@c:d?e#f' },
  ])('says the same as $host', (connection) => {
    vi.stubEnv('PGSSLMODE', 'require');
    vi.stubEnv('PGHOST', 'elsewhere');
    const url = urlOf(connection);
    expect(new pg.Client({ connectionString: url })).toMatchObject({ ...connection, ssl: false });
    expect(new URL(url).pathname).toBe('/vurti');
  });
});
