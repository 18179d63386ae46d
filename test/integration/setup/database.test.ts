import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { createDatabase, type Template, withDatabase } from './database.js';

let prepared = 0;
const template: Template = {
  name: 'of_the_setup_test',
  async prepare(url) {
    prepared += 1;
    await ask(url, "CREATE TABLE part AS SELECT 'wheel' AS name");
  },
};

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('withDatabase', () => {
  const database = withDatabase(template);

  it('gives a copy of the template', async () => {
    expect(await ask(database.url, 'SELECT name FROM part')).toEqual([{ name: 'wheel' }]);
  });
});

describe('createDatabase', () => {
  it('prepares a template once and keeps its copies apart', async () => {
    const [a, b] = await Promise.all([createDatabase(template), createDatabase(template)]);
    try {
      await ask(a.url, 'DELETE FROM part');
      expect(await ask(b.url, 'SELECT name FROM part')).toEqual([{ name: 'wheel' }]);
      expect(prepared).toBe(1);
    } finally {
      await Promise.all([a.drop(), b.drop()]);
    }
  });

  it('prepares a template again whose preparation failed', async () => {
    let tries = 0;
    const shaky: Template = {
      name: 'shaky',
      async prepare(url) {
        tries += 1;
        await ask(url, 'CREATE TABLE half ()');
        if (tries === 1) throw new Error('not today');
      },
    };
    await expect(createDatabase(shaky)).rejects.toThrow('not today');
    const database = await createDatabase(shaky);
    expect(await ask(database.url, 'SELECT count(*)::int AS n FROM half')).toEqual([{ n: 0 }]);
    await database.drop();
  });

  it('is an empty database without a template, and gone after drop, whoever is in it', async () => {
    const database = await createDatabase();
    const guest = new pg.Client({ connectionString: database.url });
    const ended = new Promise((resolve) => guest.on('error', resolve));
    await guest.connect();
    await database.drop();
    await expect(ended).resolves.toBeInstanceOf(Error);
    await expect(ask(database.url, 'SELECT 1')).rejects.toMatchObject({ code: '3D000' });
  });
});
