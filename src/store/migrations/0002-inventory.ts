import { sql } from 'kysely';
import type { SchemaMigration } from './schema-migration.js';

/** What the manager says: clusters and their networks, hosts, VMs. */
export const up: SchemaMigration = async (db, table) => {
  await sql`
    create table ${table('cluster')} (
      cluster_id text collate "C" not null,
      name text not null,
      cpu_name text,
      cpu_flags jsonb,
      architecture text,
      compatibility_version text,
      emulated_machine text,
      additional_rng_sources jsonb,
      required_features jsonb,
      migrate_on_error smallint not null,
      log_max_memory_used_threshold bigint,
      log_max_memory_used_threshold_type smallint not null,
      enable_balloon boolean not null,
      gluster_service boolean not null,
      upgrade_running boolean not null,
      fencing_enabled boolean not null,
      skip_fencing_if_connectivity_broken boolean not null,
      hosts_with_broken_connectivity_threshold bigint,
      primary key (cluster_id)
    )`.execute(db);
  await sql`
    create table ${table('cluster_network')} (
      cluster_id text collate "C" not null,
      network_name text collate "C" not null,
      required boolean not null,
      vm_network boolean not null,
      is_display boolean not null,
      status smallint not null,
      primary key (cluster_id, network_name)
    )`.execute(db);
  await sql`
    create table ${table('vds_static')} (
      vds_id text collate "C" not null,
      vds_name text not null,
      host_name text not null,
      port bigint,
      protocol smallint not null,
      cluster_id text not null,
      source text not null,
      pm_enabled boolean not null,
      spm_status smallint not null,
      recoverable boolean not null,
      primary key (vds_id)
    )`.execute(db);
  await sql`
    create table ${table('vm_static')} (
      vm_guid text collate "C" not null,
      vm_name text not null,
      cluster_id text,
      origin smallint not null,
      adopted boolean not null,
      auto_startup boolean,
      priority bigint not null,
      lease boolean not null,
      num_of_cpus bigint,
      mem_size_mb bigint,
      min_allocated_mem bigint,
      overhead_mb bigint not null,
      cpu_pinning_policy text,
      nics jsonb,
      disks jsonb,
      primary key (vm_guid)
    )`.execute(db);
};
