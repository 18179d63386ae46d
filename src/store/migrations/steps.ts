import * as log from './0001-log.js';
import * as inventory from './0002-inventory.js';
import * as hosts from './0003-hosts.js';
import * as vms from './0004-vms.js';
import * as intents from './0005-intents.js';
import * as flushMark from './0006-flush-mark.js';
import * as recordCluster from './0007-record-cluster.js';
import * as bookmarks from './0008-bookmarks.js';
import * as usage from './0009-usage.js';
import type { SchemaMigration } from './schema-migration.js';

interface SchemaStep {
  readonly up: SchemaMigration;
  /** What it does, for `vurti migrate --plan`. */
  readonly what: string;
  /**
   * Locks it takes on tables that were there before it, in PostgreSQL's words. A test compares them with those that the
   * server names.
   */
  readonly locks: readonly { readonly table: string; readonly mode: string }[];
  /** Name in the table `backfill` of what it leaves to the background. */
  readonly backfill?: string;
  /**
   * The oldest schema whose vurti still runs after this step, if older ones do not: those before forget something that
   * this step rests on. Never later than the step before: one version back always runs.
   */
  readonly runsFrom?: number;
}

/**
 * All steps in order. Names are stored in databases: they are never changed. None of them rewrites rows of a table, and none
 * takes anything away: what an earlier vurti reads and writes is there after it (test/store/migrations.test.ts reads them all).
 */
export const steps: Readonly<Record<string, SchemaStep>> = {
  '0001_log': { up: log.up, what: 'makes the tables of the log and of its writer', locks: [] },
  '0002_inventory': {
    up: inventory.up,
    what: 'makes the tables of what the manager says of clusters, hosts, VMs',
    locks: [],
  },
  '0003_hosts': { up: hosts.up, what: 'makes the tables of the hosts’ state and usage', locks: [] },
  '0004_vms': { up: vms.up, what: 'makes the tables of the VMs’ state and usage', locks: [] },
  '0005_intents': { up: intents.up, what: 'makes the table of advice', locks: [] },
  '0006_flush_mark': {
    up: flushMark.up,
    what: 'adds two columns to shard, without a rewrite',
    locks: [{ table: 'shard', mode: 'AccessExclusiveLock' }],
  },
  '0007_record_cluster': {
    up: recordCluster.up,
    what: 'makes the table of backfills',
    locks: [{ table: 'shard', mode: 'AccessShareLock' }],
    backfill: 'record_cluster',
    // Before 0006 flushes leave no mark, and a journal could not tell what the database has.
    runsFrom: 6,
  },
  '0008_bookmarks': { up: bookmarks.up, what: 'makes the table of how far sinks have come', locks: [] },
  '0009_usage': {
    up: usage.up,
    what: 'makes the tables in which usage of a VM is one row, and views of it',
    locks: [
      { table: 'disk_image_dynamic', mode: 'AccessShareLock' },
      { table: 'vm_interface_statistics', mode: 'AccessShareLock' },
      { table: 'vm_statistics', mode: 'AccessShareLock' },
    ],
  },
};

/** 7 of "0007_record_cluster"; 0 of a name that is none of ours. */
export const numberOf = (name: string): number => Number(/^\d+/.exec(name)?.[0] ?? 0);

/** The last step's number: what a version of vurti calls its schema. */
export const LATEST = numberOf(Object.keys(steps).at(-1) ?? '');

/** Of a vurti to run on this schema, the oldest one's schema. */
export const RUNS_FROM = Math.max(1, ...Object.values(steps).map(({ runsFrom = 1 }) => runsFrom));
