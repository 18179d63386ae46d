import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { silentTelemetry } from '../../kernel/index.js';
import {
  type LoadedSettings,
  loadSettings,
  type MigrationPlan,
  planOfNothing,
  type RowCount,
  upgradeDatabase,
} from '../../monitor/index.js';
import { EmbeddedPostgres } from '../../store/embedded/index.js';
import type { Context } from '../context.js';
import { settingsFile } from '../discover.js';
import { clockTime, count, toMs, unknown } from '../human.js';
import { emit } from '../output.js';
import { makeDataDir, refuseSecond } from '../serve/data-dir.js';
import { renderTable } from '../table.js';

export interface MigrateOptions {
  readonly config?: string;
  readonly dataDir?: string;
  readonly plan?: boolean;
}

/** The schema of the database in the settings, without a service. Backfills are the service's. */
export async function migrate(context: Context, options: MigrateOptions): Promise<void> {
  const { io } = context;
  const { dataDir } = options;
  const flags = dataDir === undefined ? [] : [{ path: ['dataDir'], value: dataDir, where: '--data-dir' }];
  const loaded = loadSettings({ file: settingsFile(options.config, io), env: io.env, cwd: io.cwd, flags });
  const only = options.plan === true;
  const plan = await planned(context, loaded, only);
  emit(context, {
    document: document(plan, only, io.clock.now()),
    items: plan.steps.map(({ name }) => ({ step: name })),
    names: plan.steps.map(({ name }) => `step/${name}`),
    table: () => lines(context, plan, only),
  });
}

async function planned(context: Context, { settings }: LoadedSettings, plan: boolean): Promise<MigrationPlan> {
  const { clock, scheduler } = context.io;
  const { database, dataDir } = settings;
  const { schema } = database;
  const telemetry = silentTelemetry;
  const common = { schema, scheduler, telemetry, plan };
  if (database.url !== undefined && database.url !== '') {
    return await upgradeDatabase({ ...common, connection: database.url });
  }
  // To look at a database is no reason to make one.
  if (plan && !existsSync(join(dataDir, 'postgresql', 'data'))) return planOfNothing(schema);
  makeDataDir(dataDir);
  await refuseSecond(dataDir, dataDir, context.io);
  const embedded = await EmbeddedPostgres.start({ dataDir, clock, scheduler, telemetry });
  try {
    return await upgradeDatabase({ ...common, connection: embedded.connection });
  } finally {
    await embedded.stop();
  }
}

/** As it is now: what was planned and then done does not wait any more. */
function document(plan: MigrationPlan, only: boolean, now: number): unknown {
  const { schema, at, latest, migratedBy, steps, backfills, writer } = plan;
  return {
    apiVersion: 'vurti/v1',
    kind: 'MigrationPlan',
    asOf: new Date(now).toISOString(),
    ...{ schema, schemaNumber: only ? at : latest, latestNumber: latest, migratedBy, writer },
    upToDate: steps.length === 0 || !only,
    done: !only,
    // Steps need the log for themselves; backfills run beside a service that serves.
    steps: steps.map((step) => ({ ...step, rowsRewritten: 0, serviceServes: false })),
    backfills: backfills.map((backfill) => ({ ...backfill, serviceServes: true })),
  };
}

function lines(context: Context, plan: MigrationPlan, only: boolean): string[] {
  const { schema, at, latest, migratedBy, steps, backfills, writer } = plan;
  const by = migratedBy === null ? '' : `, last migrated by vurti ${migratedBy}`;
  const head =
    at === 0
      ? `Schema "${schema}" is not there yet; this vurti makes number ${latest}.`
      : `Schema "${schema}" has number ${at}${by}; this vurti has number ${latest}.`;
  const all = [head];
  const table = (rows: readonly Row[]): string[] => [
    '',
    ...renderTable(columns, rows, wide(context), context.globals.headers),
  ];
  if (steps.length > 0) {
    all.push(
      ...table(
        steps.map(({ name, what, locks }) => ({
          name,
          what,
          rows: 'none',
          locks: locks.map((lock) => `${lock.table}: ${lock.mode}, ${size(lock.size)}`),
        })),
      ),
      '',
      only
        ? `${stepsOf(steps.length)} to do, in one transaction. ${stop(writer, context)}`
        : `${stepsOf(steps.length)} done, in one transaction.`,
    );
  } else all.push('No step is to be done.');
  for (const { name, left, done, toWrite, portion, locks } of backfills) {
    all.push(
      ...table([
        {
          name,
          what: `looks through ${count(left)} records${done === 0 ? '' : `, ${count(done)} are done`}`,
          rows: toWrite === null ? 'not known' : `at most ${size(toWrite)}`,
          locks: locks.map((lock) => `${lock.table}: ${lock.mode}`),
        },
      ]),
      '',
      `The service does this in the background, ${count(portion)} records at a time, and goes on serving; a kill costs one portion at most.`,
    );
  }
  return all;
}

interface Row {
  readonly name: string;
  readonly what: string;
  readonly rows: string;
  readonly locks: readonly string[];
}

const columns = [
  { header: 'STEP', text: ({ name }: Row) => name },
  { header: 'WHAT', text: ({ what }: Row) => what },
  { header: 'ROWS WRITTEN', text: ({ rows }: Row) => rows },
  { header: 'LOCKS', text: ({ locks }: Row) => (locks.length === 0 ? unknown : locks.join('; ')) },
];

/** Locks stand last, and are what one wants to see: nothing is cut. */
const wide = (context: Context): Context['out'] => ({ ...context.out, columns: null });

const stepsOf = (n: number): string => `${count(n)} ${n === 1 ? 'step' : 'steps'}`;

const size = (rows: RowCount | null): string => {
  if (rows === null) return 'size not known';
  return `${rows.exact ? '' : 'about '}${count(rows.rows)} ${rows.rows === 1 ? 'row' : 'rows'}`;
};

function stop(writer: MigrationPlan['writer'], { io, utc }: Context): string {
  if (writer === null) return 'No service uses it now.';
  const since = clockTime(toMs(writer.since), io.clock.now(), utc);
  return `It needs the database for itself: stop process ${writer.pid} on ${writer.host} (since ${since}) first, unless it is gone.`;
}
