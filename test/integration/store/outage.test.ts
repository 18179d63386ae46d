import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { RealTime, silentTelemetry } from '../../../src/kernel/index.js';
import { EmbeddedPostgres } from '../../../src/store/embedded/index.js';
import { loadAll, seen } from '../../store/contract.js';
import { vmSet } from '../../store/samples.js';
import { openStore } from './harness.js';

let dataDir: string;
let server: EmbeddedPostgres;

const start = (): Promise<EmbeddedPostgres> => {
  const time = new RealTime();
  return EmbeddedPostgres.start({ dataDir, clock: time, scheduler: time, telemetry: silentTelemetry });
};

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'vurti-outage-'));
  await chmod(dataDir, 0o711);
  server = await start();
});

afterAll(async () => {
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
});

describe('a server that stops and starts again', () => {
  it('finds its writer waiting, with everything in order', async () => {
    const store = await openStore(server.url, { retry: { firstMs: 10, mostMs: 100 } });
    const told = seen(store);
    for (let round = 0; round < 2; round++) {
      store.committer.commit(vmSet('vm-1', `before ${round}`));
      await store.committer.flushed();
      const epoch = store.epoch;
      await server.stop();
      for (let i = 0; i < 50; i++) store.committer.commit(vmSet('vm-1', `during ${round}.${i}`));
      await vi.waitFor(() => expect(store.committer.state().failingSince).not.toBeNull(), { timeout: 10_000 });
      await expect(store.logReader.bounds()).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
      server = await start();
      await store.committer.flushed();
      await vi.waitFor(() => expect(store.epoch).toBe(epoch + 1), { timeout: 20_000 });
    }
    expect(told.map((record) => record.seq)).toEqual(Array.from({ length: 102 }, (_, i) => i + 1));
    expect(await store.logReader.read({ epoch: 1, seq: 0 }, 1000)).toEqual(told);
    expect((await loadAll(store, 'vm_dynamic')).map((row) => row.guestOs)).toEqual(['during 1.49']);
    await store.close();
  });
});
