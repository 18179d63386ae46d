import { afterEach, inject } from 'vitest';
import { describeStore } from '../../store/contract.js';
import { type PostgresHarness, postgresHarness } from './harness.js';

const harnesses: PostgresHarness[] = [];

afterEach(async () => {
  for (const harness of harnesses.splice(0)) await harness.drop();
});

/** Statistics go one way or the other, whatever the number of rows. */
const ways = [
  ['PostgreSQL', Number.POSITIVE_INFINITY],
  ['PostgreSQL, statistics by COPY', 1],
] as const;

for (const [name, bulkRows] of ways) {
  describeStore(name, async () => {
    const harness = await postgresHarness(inject('databaseUrl'), { bulkRows });
    harnesses.push(harness);
    return harness;
  });
}
