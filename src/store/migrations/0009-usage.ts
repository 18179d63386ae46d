import { type RawBuilder, sql } from 'kysely';
import type { SchemaMigration } from './schema-migration.js';

/**
 * Usage of a VM as one row (docs/adr/0016): figures as float64, and beside them what they are of. Views give them their names,
 * together with what stands in the tables for single rows.
 */
export const up: SchemaMigration = async (db, table) => {
  await sql`
    create table ${table('vm_usage')} (
      vm_guid text collate "C" not null,
      figures bytea not null,
      primary key (vm_guid)
    ) with (fillfactor = 50, toast_tuple_target = 4080)`.execute(db);
  await sql`alter table ${table('vm_usage')} alter column figures set storage external`.execute(db);
  await sql`
    create table ${table('vm_usage_parts')} (
      vm_guid text collate "C" not null,
      nics jsonb not null,
      disks jsonb not null,
      disks_usage jsonb,
      primary key (vm_guid)
    ) with (fillfactor = 50)`.execute(db);
  // Sign, exponent and fraction of a float64; PostgreSQL has no cast for that. NaN stands for null.
  await sql`
    create function ${table('usage_figure')} (figures bytea, place integer) returns double precision
    language sql immutable strict parallel safe as $$
      select case
        when e = 2047 then case when f = 0 then s * 'Infinity'::double precision end
        when e = 0 then s * (f / 4503599627370496.0::double precision) * power(2::double precision, -1022)
        else s * (1 + f / 4503599627370496.0::double precision) * power(2::double precision, e - 1023)
      end
      from (
        select case when b < 0 then -1 else 1 end as s, (b >> 52) & 2047 as e, b & 4503599627370495 as f
        from (select ('x' || encode(substring(figures from 8 * place + 1 for 8), 'hex'))::bit(64)::bigint as b) as bits
      ) as parts
    $$`.execute(db);

  const figure = (place: RawBuilder<unknown>) => sql`${table('usage_figure')}(u.figures, ${place})`;
  const whole = (place: RawBuilder<unknown>) => sql`${figure(place)}::bigint`;
  // float8 to numeric would keep 15 digits.
  const count = (place: RawBuilder<unknown>) => sql`${whole(place)}::numeric`;
  const own = (place: number) => sql.raw(String(place));
  const notInRows = sql`where not exists (select from ${table('vm_statistics')} r where r.vm_guid = u.vm_guid)`;
  const usage = sql`${table('vm_usage')} u join ${table('vm_usage_parts')} p using (vm_guid)`;
  await sql`
    create view ${table('vm_statistics_now')} as
    select vm_guid, cpu_user, cpu_sys, elapsed_time, usage_cpu_percent, usage_mem_percent, usage_network_percent,
      disks_usage, guest_mem_buffered, guest_mem_cached, guest_mem_free, guest_mem_unused,
      balloon_current, balloon_max, balloon_min, balloon_target
    from ${table('vm_statistics')}
    union all
    select u.vm_guid, ${figure(own(0))}, ${figure(own(1))}, ${whole(own(2))}, ${whole(own(3))}, ${whole(own(4))},
      ${whole(own(5))}, p.disks_usage, ${whole(own(6))}, ${whole(own(7))}, ${whole(own(8))}, ${whole(own(9))},
      ${whole(own(10))}, ${whole(own(11))}, ${whole(own(12))}, ${whole(own(13))}
    from ${usage} ${notInRows}`.execute(db);

  const ofNic = (place: number) => sql`14 + 10 * (n.number::integer - 1) + ${own(place)}`;
  await sql`
    create view ${table('vm_interface_statistics_now')} as
    select vm_id, mac_addr, name, speed, rx_rate, tx_rate, rx_drop, tx_drop, rx_total, rx_offset, tx_total, tx_offset,
      sample_time
    from ${table('vm_interface_statistics')}
    union all
    select u.vm_guid, n.nic ->> 'mac', n.nic ->> 'name', ${whole(ofNic(0))}, ${figure(ofNic(1))}, ${figure(ofNic(2))},
      ${count(ofNic(3))}, ${count(ofNic(4))}, ${count(ofNic(5))}, ${count(ofNic(6))}, ${count(ofNic(7))},
      ${count(ofNic(8))}, ${figure(ofNic(9))}
    from ${usage} cross join lateral jsonb_array_elements(p.nics) with ordinality as n (nic, number)
    ${notInRows}`.execute(db);

  const ofDisk = (place: number) =>
    sql`14 + 10 * jsonb_array_length(p.nics) + 8 * (d.number::integer - 1) + ${own(place)}`;
  await sql`
    create view ${table('disk_image_dynamic_now')} as
    select image_id, vm_id, read_rate, write_rate, read_ops, write_ops, actual_size, read_latency_seconds,
      write_latency_seconds, flush_latency_seconds
    from ${table('disk_image_dynamic')}
    union all
    select d.image, u.vm_guid, ${figure(ofDisk(0))}, ${figure(ofDisk(1))}, ${count(ofDisk(2))}, ${count(ofDisk(3))},
      ${count(ofDisk(4))}, ${figure(ofDisk(5))}, ${figure(ofDisk(6))}, ${figure(ofDisk(7))}
    from ${usage} cross join lateral jsonb_array_elements_text(p.disks) with ordinality as d (image, number)
    ${notInRows}`.execute(db);
};
