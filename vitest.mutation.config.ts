import { defineConfig } from 'vitest/config';

/**
 * The tests that judge src/rules, for `npm run mutation`: its own unit and table tests, nothing that merely passes through
 * it. No projects and no shuffling: the runner wants one plain set of tests and each of them under the same name and place.
 */
export default defineConfig({
  test: {
    include: ['test/rules/**/*.test.ts'],
    expect: { requireAssertions: true },
    restoreMocks: true,
    setupFiles: 'test/support/property-seed.ts',
    isolate: false,
    // As in `npm test`: a mutant that never ends is known by its count, a busy machine is none.
    testTimeout: 60_000,
  },
});
