import { afterEach, inject } from 'vitest';
import { describeStore } from '../../store/contract.js';
import { type PostgresHarness, postgresHarness } from './harness.js';

const harnesses: PostgresHarness[] = [];

afterEach(async () => {
  for (const harness of harnesses.splice(0)) await harness.drop();
});

/** Statistics go one way or the other, and a flush as one piece or in steps, whatever the number of rows. */
const ways = [
  ['PostgreSQL', { bulkRows: Number.POSITIVE_INFINITY, atOnceRows: 0 }],
  ['PostgreSQL, statistics by COPY, other rows in one piece', { bulkRows: 1, atOnceRows: Number.POSITIVE_INFINITY }],
] as const;

for (const [name, way] of ways) {
  describeStore(name, async () => {
    const harness = await postgresHarness(inject('databaseUrl'), way);
    harnesses.push(harness);
    return harness;
  });
}
