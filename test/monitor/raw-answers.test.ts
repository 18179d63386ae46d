import { describe, expect, it } from 'vitest';
import { VirtualTime } from '../../src/kernel/index.js';
import type { HostEndpoint } from '../../src/model/index.js';
import { RawAnswers } from '../../src/monitor/raw-answers.js';

const endpoint: HostEndpoint = {
  id: 'h1',
  name: 'kvm-07',
  address: '10.0.4.17',
  port: 54321,
  protocol: 'vdsm',
  tls: null,
};

function asking(answer: (method: string, params: Readonly<Record<string, unknown>>) => unknown) {
  const time = new VirtualTime();
  const sent: string[] = [];
  let inFlight = 0;
  let most = 0;
  const raw = new RawAnswers({
    caller: {
      call: async (_, method, params) => {
        sent.push(method);
        inFlight += 1;
        most = Math.max(most, inFlight);
        try {
          return await answer(method, params);
        } finally {
          inFlight -= 1;
        }
      },
    },
    endpointOf: (id) => (id === 'h1' ? endpoint : undefined),
    deadlineMsOf: () => 1000,
    scheduler: time,
  });
  return { raw, sent, time, most: () => most };
}

describe('what an agent really says', () => {
  it('is shown without its secrets', async () => {
    const { raw } = asking(() => ({
      cpuIdle: '99.5',
      vmTicket: 'abc',
      iscsi: [{ user: 'u', password: 'hunter2', empty_password: '' }],
      xml: `<graphics passwd='hunter2' port="5900"/>`,
    }));
    expect(await raw.ask('h1', 'Host.getStats', null)).toEqual({
      cpuIdle: '99.5',
      vmTicket: '(secret)',
      iscsi: [{ user: 'u', password: '(secret)', empty_password: '' }],
      xml: `<graphics passwd="(secret)" port="5900"/>`,
    });
  });

  it('of one VM: its entry alone, or its XML', async () => {
    const { raw } = asking((method, params) =>
      method === 'Host.dumpxmls' ? params : [{ vmId: 'v1' }, { vmId: 'v2' }, null],
    );
    expect(await raw.ask('h1', 'Host.getAllVmStats', 'v2')).toEqual([{ vmId: 'v2' }]);
    expect(await raw.ask('h1', 'Host.dumpxmls', 'v2')).toEqual({ vmList: ['v2'] });
    await expect(raw.ask('h1', 'Host.dumpxmls', null)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  });

  it.each(['VM.destroy', 'Host.ping', 'Host.confirmConnectivity', 'VM.getExternalData', 'constructor'])(
    '%s never leaves: only what reads may be asked',
    async (method) => {
      const { raw, sent } = asking(() => ({}));
      await expect(raw.ask('h1', method, null)).rejects.toMatchObject({ code: 'OBSERVER_MODE' });
      expect(sent).toEqual([]);
    },
  );

  it('one question at a time, and not many that wait', async () => {
    const { raw, most, sent, time } = asking(() => Promise.resolve({}));
    const all = Array.from({ length: 20 }, () =>
      raw.ask('h1', 'Host.getStats', null).then(
        () => 'said',
        (error: { code: string }) => error.code,
      ),
    );
    await time.runFor(10);
    const outcomes = await Promise.all(all);
    expect(most()).toBe(1);
    expect(sent).toHaveLength(16);
    expect(outcomes.filter((one) => one === 'AGENT_QUEUE_FULL')).toHaveLength(4);
    expect(await raw.ask('h1', 'Host.getStats', null)).toEqual({});
  });

  it('one that never answers holds nobody up for ever', async () => {
    const { raw, time } = asking((method) => (method === 'Host.getStats' ? new Promise(() => undefined) : 'here'));
    const silent = raw.ask('h1', 'Host.getStats', null).catch((error: { code: string }) => error.code);
    const next = raw.ask('h1', 'Host.ping2', null);
    await time.runFor(1000);
    expect(await silent).toBe('AGENT_TIMEOUT');
    expect(await next).toBe('here');
  });
});
