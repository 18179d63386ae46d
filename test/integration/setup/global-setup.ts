import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { RealTime, silentTelemetry } from '../../../src/kernel/index.js';
import { EmbeddedPostgres } from '../../../src/store/embedded/index.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of a database that the tests' role owns. The role may create others. */
    databaseUrl: string;
  }
}

/** One PostgreSQL for the whole run. It is thrown away at the end, so nothing waits for the disk. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'vurti-test-'));
  const time = new RealTime();
  try {
    await chmod(folder, 0o711); // For root, whose PostgreSQL runs as another user.
    const database = await EmbeddedPostgres.start({
      dataDir: folder,
      clock: time,
      scheduler: time,
      telemetry: silentTelemetry,
      settings: {
        fsync: 'off',
        full_page_writes: 'off',
        // What a commit means stays as in production: a test may count on what it was told.
        synchronous_commit: 'on',
        max_connections: '100',
      },
    });
    project.provide('databaseUrl', database.url);
    return async () => {
      await database.stop();
      await rm(folder, { recursive: true, force: true });
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}
