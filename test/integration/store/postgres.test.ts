import { afterEach, inject } from 'vitest';
import { describeStore } from '../../store/contract.js';
import { type PostgresHarness, postgresHarness } from './harness.js';

const harnesses: PostgresHarness[] = [];

afterEach(async () => {
  for (const harness of harnesses.splice(0)) await harness.drop();
});

describeStore('PostgreSQL', async () => {
  const harness = await postgresHarness(inject('databaseUrl'));
  harnesses.push(harness);
  return harness;
});
