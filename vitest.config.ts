import { defineConfig } from 'vitest/config';

/** Integration tests run at a reduced size unless this is set (`npm run soak`). */
const soak = process.env['VURTI_SOAK'] === '1';

export default defineConfig({
  test: {
    // Another order every time: no test may rest on one before it. The seed is printed; --sequence.seed repeats it.
    sequence: { shuffle: true },
    expect: { requireAssertions: true },
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
    setupFiles: 'test/support/property-seed.ts',
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**'],
          // A worker loads a module once for all files: 20 times faster, and src keeps no state in modules to leak.
          pool: 'forks',
          isolate: false,
          // Virtual hours take real seconds on a busy machine; a test that hangs still ends.
          testTimeout: soak ? 3_600_000 : 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: 'test/integration/setup/global-setup.ts',
          // After the unit tests. Most of the time a file waits for a database or a service: two at a time, so that a core
          // is not idle meanwhile. None may count on having the machine for itself.
          pool: 'forks',
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          // A disk busy with somebody else's work can hold up an fsync for a minute.
          testTimeout: soak ? 3_600_000 : 180_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
