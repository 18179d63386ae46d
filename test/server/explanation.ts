import type { Explanation } from '../../src/monitor/index.js';

/** An explanation with nothing to it but what is said. */
export function explanation(more: Partial<Explanation> = {}): Explanation {
  return {
    ...{ kind: 'vm', id: 'vm-web-01', name: 'web-01', status: 'Up', since: null, previous: null, host: null },
    ...{ freshness: 'live', heardAt: null, rule: null, doc: null },
    why: 'It was in this status when the service started; nothing has changed it since.',
    ...{ evidence: [], calls: [], pushes: null, notDone: [], endsWhen: [], next: [], rulesOff: [] },
    ...more,
  };
}
