import type { FastifyInstance } from 'fastify';
import { VurtiError } from '../kernel/index.js';
import type { Monitor } from '../monitor/index.js';
import { route } from './api/operation.js';
import { operations } from './api/operations.js';
import type { RouteContext } from './context.js';
import { envelope, Names, rfc3339 } from './convert.js';
import { listAnswer } from './list-answer.js';
import { pageOf, placeOf } from './list-page.js';
import type { ApiCommand } from './wire.js';

const idAndWord = ['string', 'string'] as const;
type Running = ReturnType<Monitor['commands']['list']>[number];

/** What the manager says about its own commands. Nothing here makes a host do anything. */
export function commandRoutes(app: FastifyInstance, context: RouteContext): void {
  route(app, operations.listCommands, ({ query, reply }) => {
    const monitor = context.loaded();
    const vms = query.vm && new Set(query.vm.map((ref) => idOf(monitor, ref)));
    const all = monitor.commands.list();
    const found = vms === undefined ? all : all.filter(({ vmId }) => vms.has(vmId));
    const after = query.after === undefined ? undefined : placeOf<readonly [string, string]>(query.after, idAndWord);
    const names = new Names(monitor);
    const key = ({ vmId, command }: Running) => [vmId, command] as const;
    const page = () => pageOf(found, all.length, { limit: query.limit, after }, key);
    const convert = (running: Running): object => apiCommand(running, names);
    return listAnswer(context, reply, { monitor, kind: 'CommandList', fields: query.fields, page, convert });
  });

  route(app, operations.beginCommand, ({ body, reply }) => {
    const monitor = context.loaded();
    const { command, ttlSeconds } = body;
    const vmId = idOf(monitor, body.vm);
    monitor.commands.begin(vmId, command, ttlSeconds === undefined ? {} : { ttlSeconds });
    const path = [vmId, command].map(encodeURIComponent).join('/');
    reply.header('location', `/api/v1/commands/${path}`);
    return { ...envelope(monitor, 'Command'), item: apiCommand(runningOf(monitor, vmId, command), new Names(monitor)) };
  });

  route(app, operations.endCommand, ({ params }) => {
    const monitor = context.loaded();
    const vmId = idOf(monitor, params.vm);
    const running = runningOf(monitor, vmId, params.command);
    monitor.commands.end(vmId, params.command);
    const item = { ...apiCommand(running, new Names(monitor)), count: running.count - 1 };
    return { ...envelope(monitor, 'Command'), item };
  });
}

/** A command may begin before its VM is known: then what was given is its id. @throws AMBIGUOUS */
function idOf(monitor: Monitor, ref: string): string {
  try {
    return monitor.vms.get(ref).id;
  } catch (error) {
    if (error instanceof VurtiError && error.code === 'NOT_FOUND') return ref;
    throw error;
  }
}

/** @throws NOT_FOUND */
function runningOf(monitor: Monitor, vmId: string, command: string): Running {
  const found = monitor.commands.list().find((one) => one.vmId === vmId && one.command === command);
  if (found !== undefined) return found;
  throw new VurtiError('NOT_FOUND', `No command "${command}" is under way on ${vmId}`, {
    hint: 'It may have ended by itself when its time was over: GET /api/v1/commands',
  });
}

function apiCommand({ vmId, command, count, since, endsAt }: Running, names: Names): ApiCommand {
  return { vmId, vm: names.of('vm', vmId), command, count, since: rfc3339(since), endsAt: rfc3339(endsAt) };
}
