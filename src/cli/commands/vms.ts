import type { ApiVm, ListEnvelope } from '../../server/index.js';
import type { Context } from '../context.js';
import { count, duration, percent, sinceText, toMs, unknown } from '../human.js';
import { emit } from '../output.js';
import { paint, paintOfStatus, type Style } from '../style.js';
import { type Column, renderTable } from '../table.js';
import { watch } from '../watch.js';

export interface VmsOptions {
  readonly status?: string;
  readonly host?: string;
  readonly cluster?: string;
  readonly freshness?: string;
  readonly limit?: string;
  readonly watch?: boolean;
  readonly expand?: boolean;
}

export async function vms(context: Context, options: VmsOptions): Promise<void> {
  const client = context.client();
  const { status, host, cluster, freshness, limit } = options;
  await watch(context, options.watch ?? false, async () => {
    const answer = await client.get<ListEnvelope<ApiVm>>('/api/v1/vms', { status, host, cluster, freshness, limit });
    return () =>
      emit(context, {
        document: answer,
        items: answer.items,
        names: answer.items.map((vm) => `vm/${vm.name}`),
        table: (wide) =>
          vmLines(answer, context.out, {
            wide,
            headers: context.globals.headers,
            expand: options.expand ?? false,
            quiet: context.globals.quiet ?? false,
          }),
      });
  });
}

interface LineOptions {
  readonly wide: boolean;
  readonly headers: boolean;
  readonly expand: boolean;
  readonly quiet: boolean;
}

export function vmLines(answer: ListEnvelope<ApiVm>, style: Style, options: LineOptions): string[] {
  const now = toMs(answer.asOf);
  const natural = new Intl.Collator('en', { numeric: true });
  const sorted = answer.items.toSorted((a, b) => natural.compare(a.name, b.name));
  const { shown, hidden } =
    options.expand || !style.isTTY ? { shown: sorted, hidden: new Map<ApiVm, number>() } : collapse(sorted);
  const lines = renderTable(columnsOf(now, options.wide), shown, style, options.headers);
  const first = options.headers ? 1 : 0;
  const noted = lines.map((line, i) => {
    const more = hidden.get(shown[i - first] as ApiVm);
    return i < first || more === undefined ? line : `${line}      … ${count(more)} more like this`;
  });
  if (options.quiet || !options.headers) return noted;
  const notes = [
    `${count(answer.matched)} of ${count(answer.total)} VMs`,
    answer.items.length < answer.matched ? `the first ${count(answer.items.length)} shown` : '',
    shown.some(isLastKnown) ? '* last known' : '',
    hidden.size > 0 ? '(--expand lists all)' : '',
  ];
  return [...(shown.length === 0 ? [] : noted), paint(style, 'dim', notes.filter((note) => note !== '').join('   '))];
}

/** A lost host leaves a screenful of VMs that say the same; two of them say it too. */
function collapse(vms: readonly ApiVm[]): { shown: ApiVm[]; hidden: Map<ApiVm, number> } {
  const groups = new Map<string, ApiVm[]>();
  for (const vm of vms) {
    if (vm.status !== 'Unknown') continue;
    const key = JSON.stringify([vm.hostId, vm.freshness]);
    groups.set(key, [...(groups.get(key) ?? []), vm]);
  }
  const hidden = new Map<ApiVm, number>();
  const dropped = new Set<ApiVm>();
  for (const [, second, ...rest] of groups.values()) {
    if (second === undefined || rest.length < 2) continue;
    hidden.set(second, rest.length);
    for (const vm of rest) dropped.add(vm);
  }
  return { shown: vms.filter((vm) => !dropped.has(vm)), hidden };
}

/** The host may have lost the VM without our knowing. */
const isLastKnown = (vm: ApiVm): boolean => vm.host !== null && vm.status === 'Unknown';

const statusText = (vm: ApiVm): string => {
  if (vm.status === 'Paused' && vm.pause !== null) return `Paused ${vm.pause}`;
  if (vm.status === 'Down' && vm.exit !== null && vm.exit.status !== 'Normal') return `Down ${vm.exit.status}`;
  return vm.status;
};

const hostText = (vm: ApiVm): string => {
  if (vm.host === null) return unknown;
  const progress = vm.migrationProgressPercent === null ? '' : ` ${vm.migrationProgressPercent}%`;
  return `${vm.host}${isLastKnown(vm) ? '*' : ''}${vm.migratingTo === null ? '' : ` → ${vm.migratingTo}`}${progress}`;
};

export const reportText = (entity: { freshness: string; heardAt: string | null }, now: number): string =>
  entity.heardAt === null ? entity.freshness : `${entity.freshness} ${sinceText(entity.heardAt, now)}`;

function columnsOf(now: number, wide: boolean): Column<ApiVm>[] {
  const columns: Column<ApiVm>[] = [
    { header: 'NAME', text: (vm) => vm.name },
    { header: 'STATUS', text: statusText, paint: (vm) => paintOfStatus(vm.status) },
    { header: 'HOST', text: hostText },
    { header: 'FOR', text: (vm) => sinceText(vm.since, now) },
    {
      header: 'REPORT',
      text: (vm) => reportText(vm, now),
      paint: (vm) => (vm.freshness === 'live' ? undefined : 'yellow'),
    },
    { header: 'CPU', text: (vm) => percent(vm.cpuPercent), right: true },
    { header: 'MEM', text: (vm) => percent(vm.memoryPercent), right: true },
    { header: 'CLUSTER', text: (vm) => vm.cluster ?? unknown },
  ];
  if (!wide) return columns;
  return [
    ...columns,
    { header: 'ID', text: (vm) => vm.id },
    { header: 'IP', text: (vm) => vm.ip ?? unknown },
    { header: 'FQDN', text: (vm) => vm.fqdn ?? unknown },
    { header: 'UPTIME', text: (vm) => (vm.uptimeSeconds === null ? unknown : duration(vm.uptimeSeconds * 1000)) },
    { header: 'OS', text: (vm) => vm.os ?? unknown },
  ];
}
