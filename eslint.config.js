// Biome formats and lints. Here stand only the rules that need types, and the ones that keep time, chance and ids
// inside src/kernel: everything else gets them passed in, so that it runs the same live, in tests and in replay.
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const use = {
  clock: 'Take the time from the Clock port of src/kernel (now, monotonic).',
  scheduler: 'Wait through the Scheduler port of src/kernel (at, after, yield).',
  random: 'Take chance from the Random port of src/kernel.',
  ids: 'Take identifiers from the Ids port of src/kernel.',
  deadline: 'Abort through the Scheduler: withDeadline of src/kernel.',
  ownDisposal: 'Node 20 has none: write a class with [Symbol.asyncDispose], or nest `using`.',
};

const globals = (message, ...names) => names.map((name) => ({ name, message }));
const properties = (message, object, ...names) => names.map((property) => ({ object, property, message }));

const missingInNode20 = globals(use.ownDisposal, 'DisposableStack', 'AsyncDisposableStack', 'SuppressedError');

const timers = ['setTimeout', 'setInterval', 'setImmediate'];
const clearing = ['clearTimeout', 'clearInterval', 'clearImmediate'];

const rxjsTime = [
  ...['timer', 'interval', 'delay', 'debounceTime', 'throttleTime', 'timeout', 'timeoutWith', 'auditTime'],
  ...['sampleTime', 'bufferTime', 'windowTime', 'timeInterval', 'timestamp', 'asyncScheduler', 'asapScheduler'],
];
const rxjsPaths = ['rxjs', 'rxjs/operators'].map((name) => ({
  name,
  importNames: rxjsTime,
  message: `RxJS would set its own timers. ${use.scheduler}`,
}));

export default defineConfig(
  { ignores: ['dist/', '.bench/', '.vurti/', 'coverage/', '.mutation/'] },
  {
    files: ['src/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts', 'vitest.config.ts', 'vitest.mutation.config.ts'],
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { '@typescript-eslint': tseslint.plugin },
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      // A `default` says "all others, also those to come"; without one a new member is an error at every switch.
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'no-restricted-globals': ['error', ...missingInNode20],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { paths: rxjsPaths }] },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/kernel/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        {
          globals: [...missingInNode20, ...globals(use.scheduler, ...timers, ...clearing)],
          checkGlobalObject: true,
        },
      ],
      'no-restricted-properties': [
        'error',
        ...properties(use.clock, 'Date', 'now'),
        ...properties(use.clock, 'performance', 'now', 'timeOrigin'),
        ...properties(use.clock, 'process', 'hrtime', 'uptime'),
        ...properties(use.random, 'Math', 'random'),
        ...properties(use.ids, 'crypto', 'randomUUID'),
        ...properties(use.deadline, 'AbortSignal', 'timeout'),
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: use.clock },
        { selector: 'CallExpression[callee.name="Date"]', message: use.clock },
        { selector: 'ImportExpression[source.value=/^(node:)?timers(\\u002f|$)/]', message: use.scheduler },
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            ...rxjsPaths,
            ...['node:crypto', 'crypto'].map((name) => ({ name, importNames: ['randomUUID'], message: use.ids })),
          ],
          patterns: [{ regex: '^(node:)?timers(/|$)', message: use.scheduler }],
        },
      ],
    },
  },
);
