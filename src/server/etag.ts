import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Monitor } from '../monitor/index.js';

/**
 * Figures that age (usage, times of reports, freshness) count in steps: agents sample every 15 s, so that an answer of
 * the same step has the same figures as far as they are known.
 */
const STEP_MS = 15_000;
const ageing: ReadonlySet<string> = new Set([
  'freshness',
  'heardAt',
  'attempts',
  'graceEndsAt',
  'nextPollAt',
  'vmsActive',
  'cpuPercent',
  'memoryPercent',
  'networkPercent',
  'uptimeSeconds',
  'migrationProgressPercent',
]);

/** Of hosts, VMs, clusters and inventory: from counters, so that it costs the same however large the fleet is. */
export function stateTag(monitor: Monitor, fields?: readonly string[] | 'unmeasured'): string {
  const { now, startedAt } = monitor.progress();
  const measured = fields === undefined || (fields !== 'unmeasured' && fields.some((field) => ageing.has(field)));
  const step = measured ? `-${Math.floor(now / STEP_MS).toString(36)}` : '';
  return `W/"s${startedAt.toString(36)}-${monitor.revision().toString(36)}${step}"`;
}

/** Of what is read from the log. */
export function logTag(monitor: Monitor, more = ''): string {
  return `W/"l${monitor.progress().startedAt.toString(36)}-${monitor.log.head()}${more}"`;
}

/** Of a text that seldom changes. */
export function textTag(text: string): string {
  return `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`;
}

/** True: the client has this answer already, and it was told so. */
export function notModified(request: FastifyRequest, reply: FastifyReply, tag: string): boolean {
  reply.header('etag', tag);
  const given = request.headers['if-none-match'];
  if (given === undefined) return false;
  const known = given.split(',').map((one) => bare(one.trim()));
  if (!known.includes('*') && !known.includes(bare(tag))) return false;
  void reply.code(304).send();
  return true;
}

/** Comparison is weak, as it is to be here. */
const bare = (tag: string): string => tag.replace(/^W\//, '');
