import type { TestProject } from 'vitest/node';
import { startServer } from './server.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of a database that the tests' role owns. The role may create others. */
    databaseUrl: string;
  }
}

/** One PostgreSQL for the whole run. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startServer({ max_connections: '100' });
  project.provide('databaseUrl', server.url);
  return () => server.stop();
}
