import { VurtiError } from '../../kernel/index.js';
import type { ApiHost, ItemEnvelope, ListEnvelope } from '../../server/index.js';
import type { Context } from '../context.js';
import { bytes, count, percent, sinceText, toMs, unknown } from '../human.js';
import { emit } from '../output.js';
import { paint, paintOfStatus, type Style } from '../style.js';
import { type Column, renderTable } from '../table.js';
import { escapeControl } from '../text.js';
import { watch } from '../watch.js';
import { reportText } from './vms.js';

export interface HostsOptions {
  readonly status?: string;
  readonly cluster?: string;
  readonly freshness?: string;
  readonly limit?: string;
  readonly watch?: boolean;
}

export async function hosts(context: Context, options: HostsOptions): Promise<void> {
  const client = context.client();
  const { status, cluster, freshness, limit } = options;
  await watch(context, options.watch ?? false, async () => {
    const answer = await client.get<ListEnvelope<ApiHost>>('/api/v1/hosts', { status, cluster, freshness, limit });
    return () =>
      emit(context, {
        document: answer,
        items: answer.items,
        names: answer.items.map((host) => `host/${host.name}`),
        table: (wide) =>
          hostLines(answer, context.out, {
            wide,
            headers: context.globals.headers,
            quiet: context.globals.quiet ?? false,
          }),
      });
  });
}

export function hostLines(
  answer: ListEnvelope<ApiHost>,
  style: Style,
  options: { readonly wide: boolean; readonly headers: boolean; readonly quiet: boolean },
): string[] {
  const natural = new Intl.Collator('en', { numeric: true });
  const sorted = answer.items.toSorted((a, b) => natural.compare(a.name, b.name));
  const lines = renderTable(columnsOf(toMs(answer.asOf), options.wide), sorted, style, options.headers);
  if (options.quiet || !options.headers) return lines;
  return [
    ...(sorted.length === 0 ? [] : lines),
    paint(style, 'dim', `${count(answer.matched)} of ${count(answer.total)} hosts`),
  ];
}

function columnsOf(now: number, wide: boolean): Column<ApiHost>[] {
  const columns: Column<ApiHost>[] = [
    { header: 'NAME', text: (host) => host.name },
    {
      header: 'STATUS',
      text: (host) => (host.status === 'NonOperational' ? `${host.status} ${host.nonOperationalReason}` : host.status),
      paint: (host) => paintOfStatus(host.status),
    },
    { header: 'FOR', text: (host) => sinceText(host.since, now) },
    {
      header: 'REPORT',
      text: (host) => reportText(host, now),
      paint: (host) => (host.freshness === 'live' ? undefined : 'yellow'),
    },
    { header: 'VMS', text: (host) => count(host.vms), right: true },
    { header: 'CPU', text: (host) => percent(host.cpuPercent), right: true },
    { header: 'MEM', text: (host) => percent(host.memoryPercent), right: true },
    { header: 'NET', text: (host) => percent(host.networkPercent), right: true },
    { header: 'CLUSTER', text: (host) => host.cluster },
    { header: 'ADDRESS', text: (host) => `${host.address}:${host.port}` },
  ];
  if (!wide) return columns;
  return [
    ...columns,
    { header: 'ID', text: (host) => host.id },
    { header: 'SOURCE', text: (host) => host.source },
    { header: 'FAILED', text: (host) => String(host.attempts), right: true },
    { header: 'MEMORY', text: (host) => (host.memoryBytes === null ? unknown : bytes(host.memoryBytes)), right: true },
    { header: 'CPUS', text: (host) => (host.cpuThreads === null ? unknown : String(host.cpuThreads)), right: true },
    { header: 'VDSM', text: (host) => host.version ?? unknown },
    { header: 'OS', text: (host) => host.os ?? unknown },
  ];
}

export interface AddOptions {
  readonly id?: string;
  readonly port?: string;
  readonly protocol?: string;
  readonly cluster?: string;
  readonly pm?: boolean;
}

function done(context: Context, answer: ItemEnvelope<ApiHost>, text: string): void {
  emit(context, {
    document: answer,
    names: [`host/${answer.item.name}`],
    table: () => (context.globals.quiet ? [] : [text]),
  });
}

export async function addHost(context: Context, name: string, address: string, options: AddOptions): Promise<void> {
  const client = context.client();
  const { id, protocol, cluster } = options;
  const body = {
    name,
    address,
    ...(id === undefined ? {} : { id }),
    ...(options.port === undefined ? {} : { port: Number(options.port) }),
    ...(protocol === undefined ? {} : { protocol }),
    ...(cluster === undefined ? {} : { cluster }),
    ...(options.pm === true ? { pmEnabled: true } : {}),
  };
  const answer = await client.send<ItemEnvelope<ApiHost>>('POST', '/api/v1/hosts', body);
  const { item } = answer;
  done(
    context,
    answer,
    `${escapeControl(item.name)} added to cluster ${escapeControl(item.cluster)}: ${escapeControl(item.address)}:${item.port} is asked from now on.`,
  );
}

export async function removeHost(context: Context, ref: string): Promise<void> {
  const client = context.client();
  const { item } = await client.get<ItemEnvelope<ApiHost>>(path(ref));
  if (!context.globals.yes)
    await confirm(context, `Forget ${escapeControl(item.name)} and its ${count(item.vms)} VMs' place on it? [y/N] `);
  const answer = await client.send<ItemEnvelope<ApiHost>>('DELETE', path(item.id));
  done(context, answer, `${escapeControl(item.name)} removed.`);
}

export async function activateHost(context: Context, ref: string): Promise<void> {
  const client = context.client();
  const answer = await client.send<ItemEnvelope<ApiHost>>('POST', `${path(ref)}/activate`);
  done(context, answer, `${escapeControl(answer.item.name)} is monitored again: ${answer.item.status}.`);
}

export async function confirmRebooted(context: Context, ref: string): Promise<void> {
  const client = context.client();
  const { item } = await client.get<ItemEnvelope<ApiHost>>(path(ref));
  const name = escapeControl(item.name);
  if (!context.globals.yes) {
    await confirm(
      context,
      `Do you know that ${name} was off? Its ${count(item.vms)} VMs become Down and may be started elsewhere. [y/N] `,
    );
  }
  const answer = await client.send<ItemEnvelope<ApiHost>>('POST', `${path(item.id)}/confirm-rebooted`);
  done(context, answer, `${name} was off: its VMs do not run any more.`);
}

export async function maintainHost(
  context: Context,
  ref: string,
  options: { readonly reason?: string },
): Promise<void> {
  const client = context.client();
  const { reason } = options;
  const answer = await client.send<ItemEnvelope<ApiHost>>(
    'POST',
    `${path(ref)}/maintenance`,
    reason === undefined ? undefined : { reason },
  );
  const name = escapeControl(answer.item.name);
  done(context, answer, `${name} is in ${answer.item.status}: it is not judged until vurti hosts activate ${name}`);
}

export async function poke(context: Context, refs: readonly string[]): Promise<void> {
  const client = context.client();
  for (const ref of refs) {
    const answer = await client.send<ItemEnvelope<ApiHost>>('POST', `${path(ref)}/poke`);
    done(context, answer, `${escapeControl(answer.item.name)} is asked now.`);
  }
}

const path = (ref: string): string => `/api/v1/hosts/${encodeURIComponent(ref)}`;

async function confirm(context: Context, question: string): Promise<void> {
  const { ask } = context.io;
  if (ask === null)
    throw new VurtiError('BAD_ARGUMENT', 'This needs a yes, and there is no terminal to ask at.', {
      hint: 'Add --yes.',
    });
  const answer = await ask(question);
  if (!/^y(es)?$/i.test(answer.trim())) throw new VurtiError('BAD_ARGUMENT', 'Not done.', { hint: '' });
}
