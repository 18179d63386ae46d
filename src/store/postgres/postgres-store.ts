import { hostname } from 'node:os';
import type { Backfills, Bookmarks, Committer, LogReader, LogRetention, StateLoader } from '../../events/index.js';
import {
  type Clock,
  type Ids,
  messageOf,
  type Random,
  type Scheduler,
  silentTelemetry,
  systemIds,
  systemRandom,
  type Telemetry,
  VurtiError,
  withDeadline,
} from '../../kernel/index.js';
import { BatchingCommitter, type CommitterTuning, type JournalOptions } from '../batching-committer.js';
import { epochAt } from '../epoch.js';
import { hasTable, isUpToDate, migrate, refuseForeignDatabase, stepsOfNewer, UNKNOWN } from '../migrations/index.js';
import type { LogStore, StatementListener } from '../store.js';
import { Backfill } from './backfill.js';
import { BulkCopy } from './bulk-copy.js';
import type { PostgresConnection } from './connection.js';
import { sqlStateOf } from './database-error.js';
import { Lane } from './lane.js';
import { PostgresBookmarks } from './postgres-bookmarks.js';
import { PostgresLogReader } from './postgres-log-reader.js';
import { PostgresStateLoader } from './postgres-state-loader.js';
import { PostgresTarget } from './postgres-target.js';
import { removeRecords } from './remove-records.js';
import { findWriter, type Holder, nameOfWriter, Shard } from './shard.js';
import { UsageSql } from './usage-sql.js';
import { WriterLock } from './writer-lock.js';

export interface PostgresStoreOptions extends CommitterTuning {
  /** postgres://… or its parts. */
  readonly connection: string | PostgresConnection;
  /** Default: vurti. */
  readonly schema?: string;
  /** Connections in all, at least 3: one holds the lock, one writes, the rest reads. Default 4. */
  readonly poolSize?: number;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random?: Random;
  readonly ids?: Ids;
  readonly telemetry?: Telemetry;
  /** Take the log from a writer that still runs. */
  readonly takeOver?: boolean;
  /** No flush may take longer; then its connection is cut and the flush tried again. Default 60,000. */
  readonly flushDeadlineMs?: number;
  /** How this process names itself to others. Default: this machine and process. */
  readonly holder?: Holder;
  /** Of vurti: noted in the schema when it is migrated, for those who find it too new. */
  readonly version?: string;
  /** Where flushes are kept while the database is away. Default: nowhere, they wait in memory. */
  readonly journal?: JournalOptions;
  /**
   * So many rows of one table of statistics in a flush go by binary COPY, fewer as all other rows do. Default 50; Infinity:
   * never.
   */
  readonly bulkRows?: number;
  /** A flush of so many rows and records, or fewer, goes to the database in one piece. Default 200; 0: step by step always. */
  readonly atOnceRows?: number;
  readonly onFenced?: (error: VurtiError) => void;
  readonly onStatement?: StatementListener;
}

/** A statement of setup may work on the whole log. */
const SETUP_MS = 3_600_000;
const CLAIM_MS = 30_000;
const GOODBYE_MS = 2_000;
const BULK_ROWS = 50;
const AT_ONCE_ROWS = 200;
const INSUFFICIENT_PRIVILEGE = '42501';
/** How often a lock that was wrested from its holder is asked for before the start goes on without it. */
const WREST_TRIES = 20;
const WREST_PAUSE_MS = 100;

/** Rows and log in a PostgreSQL schema of our own (12 or later). */
export class PostgresStore implements LogStore {
  readonly kind = 'postgres';
  readonly committer: Committer;
  readonly logReader: LogReader;
  readonly stateLoader: StateLoader;
  readonly backfills: Backfills;
  readonly bookmarks: Bookmarks;
  readonly #committer: BatchingCommitter;
  readonly #options: PostgresStoreOptions;
  readonly #telemetry: Telemetry;
  readonly #schema: string;
  readonly #shard: Shard;
  readonly #lock: WriterLock;
  readonly #writer: Lane;
  readonly #readers: Lane;
  #closing: Promise<void> | null = null;

  /**
   * Migrates the schema, takes the log, writes what the journal of an earlier process holds, and gives the store.
   * @throws VurtiError DATABASE_OF_ENGINE and SCHEMA_NEWER before anything was written; DATABASE_IN_USE naming the
   * holder; DATABASE_UNREACHABLE
   */
  static async open(options: PostgresStoreOptions): Promise<PostgresStore> {
    const store = new PostgresStore(options);
    try {
      await store.#open();
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  private constructor(options: PostgresStoreOptions) {
    const { connection, scheduler, schema = 'vurti', poolSize = 4, flushDeadlineMs = 60_000 } = options;
    const { telemetry = silentTelemetry, random = systemRandom, ids = systemIds, onStatement } = options;
    const lane = (name: string, size: number, statementMs: number): Lane =>
      new Lane({ connection, name, size, statementMs, scheduler, telemetry, onStatement });
    this.#options = options;
    this.#telemetry = telemetry;
    this.#schema = schema;
    this.#readers = lane('reader', Math.max(1, poolSize - 2), 60_000);
    const bulkRows = options.bulkRows ?? BULK_ROWS;
    let bulk = Number.isFinite(bulkRows) ? new BulkCopy(this.#readers.db, schema) : null;
    const usage = new UsageSql(this.#readers.db, schema);
    const setUp = async (run: (text: string) => Promise<unknown>): Promise<void> => {
      for (const statement of usage.setUp) await run(statement);
      if (bulk === null) return;
      try {
        await run(bulk.setUp);
      } catch (error) {
        if (sqlStateOf(error) !== INSUFFICIENT_PRIVILEGE) throw error;
        telemetry.log('info', 'No temporary tables are allowed: statistics are written the slower way');
        bulk = null;
      }
    };
    const writing = { connection, name: 'writer', size: 1, statementMs: flushDeadlineMs, scheduler, telemetry };
    this.#writer = new Lane({ ...writing, onStatement, setUp });
    const writer = ids.uuid();
    this.#shard = new Shard(schema, writer, options.holder ?? { host: hostname(), pid: process.pid });
    this.#lock = new WriterLock({
      connection,
      schema,
      scheduler,
      random,
      telemetry,
      onRegained: () => this.#regained(),
      stillMine: () => this.#stillMine(),
    });
    const target = new PostgresTarget({
      ...{ lane: this.#writer, shard: this.#shard, schema, deadlineMs: flushDeadlineMs },
      ...{ bulk: () => bulk, bulkRows, usage, atOnceRows: options.atOnceRows ?? AT_ONCE_ROWS },
    });
    this.#committer = new BatchingCommitter({ ...options, target, writer, random, telemetry });
    this.committer = this.#committer;
    this.logReader = new PostgresLogReader(this.#readers, schema);
    this.bookmarks = new PostgresBookmarks(this.#readers, schema, this.#shard);
    this.backfills = new Backfill(this.#writer, schema, this.#shard);
    this.stateLoader = new PostgresStateLoader(this.#readers, schema, telemetry);
  }

  /** Rises from start to start, and when the log changes hands without its last writer having let go of it. */
  get epoch(): number {
    return this.#shard.epoch;
  }

  async removeRecords(retention: LogRetention): Promise<number> {
    return await removeRecords(this.#writer, this.#schema, this.#shard, retention);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #open(): Promise<void> {
    await this.#setUp(async (setup) => {
      const { version = UNKNOWN } = this.#options;
      const applied = await setup.within(CLAIM_MS, 'looking at the database', (db) =>
        refuseForeignDatabase(db, this.#schema, version),
      );
      const newer = stepsOfNewer(applied);
      if (newer.length > 0) {
        const fields = { migratedBy: applied.version, steps: newer.join(', ') };
        this.#telemetry.log(
          'warn',
          'The schema is of a newer vurti; this one runs on it and leaves it as it is',
          fields,
        );
      }
      const locked = await this.#takeLock(setup);
      if (!isUpToDate(applied)) {
        await setup.within(SETUP_MS, 'the migration of the schema', (db) => migrate(db, this.#schema, version));
      }
      await setup.within(CLAIM_MS, 'claiming the log', (db) =>
        this.#shard.claim(db, epochAt(this.#options.clock.now())),
      );
      if (!locked) await this.#seekWrestedLock();
    });
    await this.#committer.recover();
  }

  async #setUp(work: (setup: Lane) => Promise<void>): Promise<void> {
    const { connection, scheduler, onStatement } = this.#options;
    const telemetry = this.#telemetry;
    const setup = new Lane({ connection, name: 'setup', size: 2, statementMs: 0, scheduler, telemetry, onStatement });
    try {
      await work(setup);
    } finally {
      await setup.end();
    }
  }

  /** False when the lock was not free and the log was wrested from its holder instead. */
  async #takeLock(setup: Lane): Promise<boolean> {
    const holder = await this.#lock.tryTake();
    if (holder === null) return true;
    const known = await setup.within(CLAIM_MS, 'looking for the holder', async (db) =>
      (await hasTable(db, this.#schema, 'writer')) ? await findWriter(db, this.#schema, '') : null,
    );
    const name = nameOfWriter(known);
    if (this.#options.takeOver !== true) {
      const details = known === null ? {} : { host: known.host, pid: known.pid, since: known.since };
      throw new VurtiError('DATABASE_IN_USE', `Schema "${this.#schema}" is in use by ${name}`, { details });
    }
    this.#telemetry.log('warn', `The database is taken over from ${name}`);
    await setup.within(CLAIM_MS, 'taking the log over', async (db) => {
      // First of all: from now on the other one cannot write any more, whatever becomes of its sessions.
      if (await hasTable(db, this.#schema, 'shard')) await this.#shard.wrest(db);
    });
    await this.#lock.evict(holder);
    return false;
  }

  async #seekWrestedLock(): Promise<void> {
    for (let i = 0; i < WREST_TRIES; i++) {
      if ((await this.#lock.tryTake()) === null) return;
      await new Promise<void>((resolve) => this.#options.scheduler.after(WREST_PAUSE_MS, resolve, 'database-lock'));
    }
    this.#telemetry.log('warn', 'The former holder keeps the lock; it is taken as soon as it is free');
    void this.#lock.seek();
  }

  async #regained(): Promise<boolean> {
    try {
      await this.#readers.within(CLAIM_MS, 'beginning a new epoch', (db) => this.#shard.bump(db));
      return true;
    } catch (error) {
      if (!(error instanceof VurtiError) || error.code !== 'DATABASE_FENCED') throw error;
      this.#committer.fence(error);
      return false;
    }
  }

  async #stillMine(): Promise<boolean> {
    const error = await this.#readers.within(CLAIM_MS, 'looking for the holder', async (db) =>
      (await this.#shard.isMine(db)) ? null : await this.#shard.fencedBy(db),
    );
    if (error !== null) this.#committer.fence(error);
    return error === null;
  }

  async #close(): Promise<void> {
    await this.#committer.stop();
    if (this.#shard.epoch > 0) {
      // If it fails, the next start begins a new epoch; that is all.
      await this.#inTime('letting go of the log', () => this.#shard.letGo(this.#readers.db));
    }
    this.#lock.close();
    // A flush that was given up may still hang on its connection.
    this.#writer.cut();
    this.#readers.cut();
    await this.#inTime('closing connections', () => Promise.all([this.#writer.end(), this.#readers.end()]));
  }

  /** A server that does not answer must not keep us from ending. */
  async #inTime(what: string, call: () => Promise<unknown>): Promise<void> {
    const message = `${what} took longer than ${GOODBYE_MS} ms`;
    const deadline = { ms: GOODBYE_MS, code: 'DATABASE_UNREACHABLE', message, label: 'database-close' } as const;
    try {
      await withDeadline(this.#options.scheduler, deadline, call);
    } catch (error) {
      this.#telemetry.log('warn', 'The database was not left cleanly', { message: messageOf(error) });
    }
  }
}
