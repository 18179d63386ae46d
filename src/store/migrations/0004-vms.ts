import { sql } from 'kysely';
import type { SchemaMigration } from './schema-migration.js';

/** State and usage of VMs. */
export const up: SchemaMigration = async (db, table) => {
  await sql`
    create table ${table('vm_dynamic')} (
      vm_guid text collate "C" not null,
      status smallint not null,
      status_changed_at timestamptz,
      run_on_vds text,
      migrating_to_vds text,
      vm_host text,
      vm_ip text,
      vm_fqdn text,
      last_start_time timestamptz,
      last_stop_time timestamptz,
      boot_time timestamptz,
      downtime bigint,
      guest_cur_user_name text,
      console_cur_user_name text,
      console_user_id text,
      client_ip text,
      guest_os text,
      guest_cpu_count bigint,
      guest_requested_memory bigint,
      app_list text,
      acpi_enable boolean,
      session text,
      utc_diff bigint,
      exit_status smallint not null,
      exit_message text,
      exit_reason smallint not null,
      pause_status smallint not null,
      hash text,
      tpm_hash text,
      nvram_hash text,
      guest_agent_nics_hash bigint,
      last_watchdog_event double precision,
      last_watchdog_action text,
      volatile_run boolean not null,
      cpu_name text,
      emulated_machine text,
      current_cd text,
      graphics jsonb,
      guest_timezone_name text,
      guest_timezone_offset bigint,
      guestos_arch text,
      guestos_codename text,
      guestos_distribution text,
      guestos_kernel_version text,
      guestos_type text,
      guestos_version text,
      guest_containers jsonb,
      runtime_name text,
      current_cpu_pinning text,
      primary key (vm_guid)
    ) with (fillfactor = 85)`.execute(db);
  await sql`
    create table ${table('vm_guest_agent_interfaces')} (
      vm_id text collate "C" not null,
      interface_name text collate "C" not null,
      mac_address text,
      ipv4_addresses jsonb,
      ipv6_addresses jsonb,
      primary key (vm_id, interface_name)
    )`.execute(db);
  await sql`
    create table ${table('vm_jobs')} (
      vm_job_id text collate "C" not null,
      vm_id text not null,
      job_state text,
      job_type text,
      block_job_type text,
      bandwidth numeric,
      cursor_cur numeric,
      cursor_end numeric,
      image_group_id text,
      primary key (vm_job_id)
    )`.execute(db);
  await sql`
    create table ${table('vm_device')} (
      vm_id text collate "C" not null,
      device_id text collate "C" not null,
      type text not null,
      device text,
      address text,
      alias text,
      is_managed boolean not null,
      is_plugged boolean not null,
      logical_name text,
      primary key (vm_id, device_id)
    )`.execute(db);
  await sql`
    create table ${table('vm_statistics')} (
      vm_guid text collate "C" not null,
      cpu_user double precision,
      cpu_sys double precision,
      elapsed_time bigint,
      usage_cpu_percent bigint,
      usage_mem_percent bigint,
      usage_network_percent bigint,
      disks_usage jsonb,
      guest_mem_buffered bigint,
      guest_mem_cached bigint,
      guest_mem_free bigint,
      guest_mem_unused bigint,
      balloon_current bigint,
      balloon_max bigint,
      balloon_min bigint,
      balloon_target bigint,
      primary key (vm_guid)
    ) with (fillfactor = 50)`.execute(db);
  await sql`
    create table ${table('vm_interface_statistics')} (
      vm_id text collate "C" not null,
      mac_addr text collate "C" not null,
      name text,
      speed bigint,
      rx_rate double precision,
      tx_rate double precision,
      rx_drop numeric,
      tx_drop numeric,
      rx_total numeric,
      rx_offset numeric,
      tx_total numeric,
      tx_offset numeric,
      sample_time double precision,
      primary key (vm_id, mac_addr)
    ) with (fillfactor = 50)`.execute(db);
  await sql`
    create table ${table('disk_image_dynamic')} (
      image_id text collate "C" not null,
      vm_id text not null,
      read_rate double precision,
      write_rate double precision,
      read_ops numeric,
      write_ops numeric,
      actual_size numeric,
      read_latency_seconds double precision,
      write_latency_seconds double precision,
      flush_latency_seconds double precision,
      primary key (image_id)
    ) with (fillfactor = 50)`.execute(db);
};
