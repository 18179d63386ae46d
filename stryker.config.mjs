// `npm run mutation`: breaks src/rules in small ways and counts what its tests notice. An hour of work, so it is not part
// of CI; docs/testing.md holds the last figure. `npm run mutation -- --mutate src/rules/vm/absent.ts` looks at one file.
export default {
  packageManager: 'npm',
  plugins: ['@stryker-mutator/vitest-runner'],
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutation.config.ts', related: false },
  mutate: ['src/rules/**/*.ts'],
  // Names of rules and their texts: docs/rules.md shows them, no test should repeat them.
  mutator: { excludedMutations: ['StringLiteral'] },
  coverageAnalysis: 'perTest',
  // A mutant is tried in tens of milliseconds: a second runner pays on an idle machine alone (`--concurrency 2`).
  concurrency: 1,
  thresholds: { high: 95, low: 90, break: 90 },
  ignorePatterns: ['/*', '!/src', '!/test', '!/package.json', '!/tsconfig.json', '!/vitest.mutation.config.ts'],
  tempDirName: '.mutation/sandbox',
  incrementalFile: '.mutation/incremental.json',
  // Endless loops are recognised by their count; a busy machine is not to be mistaken for one.
  timeoutMS: 120_000,
  reporters: ['clear-text', 'progress-append-only', 'html', 'json'],
  clearTextReporter: { allowColor: false, reportTests: false },
  htmlReporter: { fileName: '.mutation/report.html' },
  jsonReporter: { fileName: '.mutation/report.json' },
};
