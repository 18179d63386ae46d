import type { Kysely, RawBuilder } from 'kysely';

/** The qualified and quoted name of a table of ours, whatever the schema is called. */
type TableName = (name: string) => RawBuilder<unknown>;

/** One step of the schema. Once released it is never edited: the next change is a new step. */
export type SchemaMigration = (db: Kysely<unknown>, table: TableName) => Promise<void>;
