import { VurtiError } from '../kernel/index.js';
import { stream } from './chance.js';
import { type Condition, healthy, recovering } from './condition.js';
import type { HostNic, Machine, SimHost } from './entities.js';
import * as lifecycle from './lifecycle.js';
import { networkChanged } from './notifications.js';
import { spell } from './text.js';
import type { World } from './world.js';

/** What can befall a host and its agent. Each thing ends what befell it before. */

/** The agent behaves like this from now on; it ends by itself after `forMs`, if that is given. */
export function befall(world: World, host: SimHost, condition: Condition, forMs: number | null): void {
  needPower(host);
  calm(host);
  world.setCondition(host, condition);
  const lasting = forMs === null ? '' : ` for ${spell(forMs)}`;
  world.tell('host.condition', { host }, `${host.name} ${phrase(condition)}${lasting}`);
  if (forMs !== null) host.step = world.planner.after(forMs, () => recover(world, host));
}

/** All is well again: the agent answers, and a host without power boots. */
export function recover(world: World, host: SimHost): void {
  calm(host);
  if (!host.powered) {
    host.boot(world.now);
    world.tell('host.power', { host }, `${host.name} boots`);
  }
  if (host.condition.kind === 'ok') return;
  world.setCondition(host, healthy);
  world.tell('host.condition', { host }, `${host.name} answers again`);
}

/** Its port is closed for a moment, then it answers 99 for `recoverMs`, then it is well. Its VMs notice nothing. */
export function restartAgent(world: World, host: SimHost, recoverMs: number | null): void {
  needPower(host);
  calm(host);
  const random = stream(world.seed, 'agent-restart', host.index, Math.floor(world.now));
  const lasts = recoverMs ?? world.span(random, 10, 60);
  host.agentStartedAt = world.now;
  world.setCondition(host, { kind: 'refuse' });
  world.tell('host.condition', { host }, `${host.name} restarts its agent, which recovers for ${spell(lasts)}`);
  host.step = world.planner.after(world.span(random, 1, 3), () => {
    world.setCondition(host, recovering);
    host.step = world.planner.after(lasts, () => recover(world, host));
  });
}

/** The host loses its power and all that ran on it; says which VMs that were. */
export function powerOff(world: World, host: SimHost): Machine[] {
  calm(host);
  host.powered = false;
  const lost = lifecycle.loseAll(world, host);
  world.tell('host.power', { host }, `${host.name} loses power, and ${lost.length} VMs with it`);
  world.setCondition(host, { kind: 'refuse' });
  return lost;
}

export function turnNic(world: World, host: SimHost, nic: HostNic, up: boolean): void {
  if (nic.up === up) return;
  nic.up = up;
  networkChanged(world, host);
  world.tell('host.nic', { host }, `${host.name}: ${nic.name} goes ${up ? 'up' : 'down'}`);
}

/** A host without power can only boot. */
function needPower(host: SimHost): void {
  if (!host.powered) throw new VurtiError('BAD_ARGUMENT', `${host.name} is off: recover() boots it`);
}

function calm(host: SimHost): void {
  host.step?.cancel();
  host.step = null;
}

function phrase(condition: Condition): string {
  switch (condition.kind) {
    case 'ok':
      return 'answers again';
    case 'hang':
      return 'hangs: accepts connections, answers nothing';
    case 'refuse':
      return 'refuses connections';
    case 'garbage':
      return 'answers garbage';
    case 'cut':
      return 'cuts its answers off';
    case 'loris':
      return 'sends its answers byte by byte';
    case 'stall':
      return 'stalls in the middle of its answers';
    case 'length':
      return 'says wrong lengths of its answers';
    case 'drop':
      return 'closes every connection soon after it is made';
    case 'expired':
      return 'shows an expired certificate';
    case 'slow':
      return `is slow: answers after ${spell(condition.delayMs)}`;
    case 'error':
      return `answers every call with error ${condition.code}`;
  }
}
