import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RealTime, silentTelemetry } from '../../../src/kernel/index.js';
import { EmbeddedPostgres } from '../../../src/store/embedded/index.js';

export interface TestServer {
  readonly url: string;
  /** Its data goes with it. */
  stop(): Promise<void>;
}

/** A PostgreSQL that is thrown away at the end, so nothing waits for the disk. */
export async function startServer(settings: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'vurti-test-'));
  const time = new RealTime();
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
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
        ...settings,
      },
    });
    const stop = async (): Promise<void> => {
      await database.stop();
      await remove();
    };
    return { url: database.url, stop };
  } catch (error) {
    await remove();
    throw error;
  }
}
