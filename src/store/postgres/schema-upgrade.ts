import { type Random, type Scheduler, systemRandom, type Telemetry, VurtiError } from '../../kernel/index.js';
import { type Applied, hasTable, isUpToDate, migrate, refuseForeignDatabase } from '../migrations/index.js';
import { type MigrationPlan, makePlan } from '../migrations/plan.js';
import type { PostgresConnection } from './connection.js';
import { Lane } from './lane.js';
import { findWriter, nameOfWriter } from './shard.js';
import { WriterLock } from './writer-lock.js';

export interface SchemaUpgradeOptions {
  /** postgres://… or its parts. */
  readonly connection: string | PostgresConnection;
  readonly schema: string;
  /** Of vurti, to be noted. */
  readonly version: string;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly random?: Random;
}

const LOOK_MS = 60_000;
/** A step may work on large tables. */
const MIGRATE_MS = 3_600_000;

/**
 * What is to be migrated. Nothing is written, no lock is taken that a service would feel.
 * @throws VurtiError DATABASE_OF_ENGINE, SCHEMA_NEWER, DATABASE_UNREACHABLE
 */
export async function planMigration(options: SchemaUpgradeOptions): Promise<MigrationPlan> {
  return await withLane(options, (lane) => planned(lane, options));
}

/**
 * Brings the schema up to date, without a service. Backfills are left to the service. Gives the plan as it was before.
 * @throws VurtiError as planMigration; DATABASE_IN_USE naming the vurti that has the log
 */
export async function migrateSchema(options: SchemaUpgradeOptions): Promise<MigrationPlan> {
  const { schema, version } = options;
  return await withLane(options, async (lane) => {
    const plan = await planned(lane, options);
    if (plan.steps.length === 0) return plan;
    const lock = lockOf(options);
    try {
      if ((await lock.tryTake()) !== null) {
        throw new VurtiError('DATABASE_IN_USE', `Schema "${schema}" is in use by ${nameOf(plan)}`, {
          hint: 'Stop it first.',
        });
      }
      // Somebody else may have done it between the two looks.
      const applied = await looked(lane, options);
      if (!isUpToDate(applied)) {
        await lane.within(MIGRATE_MS, 'the migration of the schema', (db) => migrate(db, schema, version));
      }
      return plan;
    } finally {
      lock.close();
    }
  });
}

const nameOf = ({ writer }: MigrationPlan): string => nameOfWriter(writer);

function lockOf({ connection, schema, scheduler, telemetry, random = systemRandom }: SchemaUpgradeOptions): WriterLock {
  // A lock that is lost here is not sought again: the transaction decides.
  const never = async (): Promise<boolean> => false;
  return new WriterLock({
    ...{ connection, schema, scheduler, telemetry, random },
    onRegained: never,
    stillMine: never,
  });
}

function looked(lane: Lane, { schema, version }: SchemaUpgradeOptions): Promise<Applied> {
  return lane.within(LOOK_MS, 'looking at the database', (db) => refuseForeignDatabase(db, schema, version));
}

async function planned(lane: Lane, { schema, version }: SchemaUpgradeOptions): Promise<MigrationPlan> {
  return await lane.within(LOOK_MS, 'looking at the database', (db) =>
    db
      .transaction()
      .setAccessMode('read only')
      .execute(async (trx) => {
        const applied = await refuseForeignDatabase(trx, schema, version);
        const plan = await makePlan(trx, schema, applied);
        const writer = (await hasTable(trx, schema, 'writer')) ? await findWriter(trx, schema, '') : null;
        return { ...plan, writer };
      }),
  );
}

async function withLane<T>(options: SchemaUpgradeOptions, work: (lane: Lane) => Promise<T>): Promise<T> {
  const { connection, scheduler, telemetry } = options;
  const lane = new Lane({ connection, name: 'migrate', size: 2, statementMs: 0, scheduler, telemetry });
  try {
    return await work(lane);
  } finally {
    await lane.end();
  }
}
