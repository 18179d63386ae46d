import { describe, expect, it } from 'vitest';
import { ask, expectFailure } from './support/calls.js';
import { type Answering, json, startGateway } from './support/gateway.js';

const MIB = 1_048_576;

describe('answers that are none', () => {
  const body =
    (text: string | Buffer, headers: Record<string, string> = {}): Answering =>
    (_, response) =>
      json(response, text, headers);
  const status =
    (code: number, headers: Record<string, string> = {}, text = ''): Answering =>
    (_, response) => {
      response.writeHead(code, headers).end(text);
    };

  it.each<[string, Answering, string, string | RegExp]>([
    [
      'HTML',
      status(200, { 'content-type': 'text/html' }, '<html>hello'),
      'AGENT_BAD_ANSWER',
      /content-type is text\/html, not JSON; it begins: <html>hello$/,
    ],
    [
      'HTML that calls itself JSON',
      body('<html>hello'),
      'AGENT_BAD_ANSWER',
      /the body is not JSON; it begins: <html>hello$/,
    ],
    ['nothing', body(''), 'AGENT_BAD_ANSWER', /the body is empty$/],
    ['broken JSON', body('{"jsonrpc":"2.0","id":'), 'AGENT_BAD_ANSWER', /not JSON; it begins: \{"jsonrpc"/],
    [
      'control characters',
      body('\u001b[2J\r\nERROR all is lost'),
      'AGENT_BAD_ANSWER',
      /it begins: \\u001b\[2J\\u000d\\u000aERROR/,
    ],
    ['a list', body('[]'), 'AGENT_BAD_ANSWER', /not a JSON-RPC answer but a list of 0/],
    ['a number', body('7'), 'AGENT_BAD_ANSWER', /not a JSON-RPC answer but 7/],
    ['deep nesting', body('['.repeat(2 * MIB)), 'AGENT_BAD_ANSWER', /nested deeper than 64 levels/],
    ['too many objects', body(`[${'{},'.repeat(MIB)}{}]`), 'AGENT_BAD_ANSWER', /too many objects for its size/],
    ['another id', body('{"id":"other","result":{}}'), 'AGENT_BAD_ANSWER', /for another request \(id "other"\)/],
    ['no id', body('{"result":{}}'), 'AGENT_BAD_ANSWER', /for another request \(id undefined\)/],
    [
      'the error of another request',
      body('{"id":"other","error":{"code":99}}'),
      'AGENT_BAD_ANSWER',
      /for another request/,
    ],
    [
      'gzip that is none',
      body('no gzip at all', { 'content-encoding': 'gzip' }),
      'AGENT_BAD_ANSWER',
      /cannot be decompressed \(Z_/,
    ],
    [
      'an encoding that nobody asked for',
      body('{}', { 'content-encoding': 'rot13' }),
      'AGENT_BAD_ANSWER',
      /another request/,
    ],
    [
      'status 500',
      status(500, {}, 'Traceback (most recent call last)'),
      'AGENT_BAD_ANSWER',
      /HTTP status 500; it begins: Traceback/,
    ],
    ['status 404', status(404), 'AGENT_BAD_ANSWER', /HTTP status 404$/],
    ['status 204', status(204), 'AGENT_BAD_ANSWER', /HTTP status 204$/],
    [
      'a redirect',
      status(302, { location: 'http://169.254.169.254/latest' }),
      'AGENT_REDIRECTED',
      /redirect \(302\) to http:\/\/169\.254\.169\.254\/latest$/,
    ],
    ['a redirect to nowhere', status(307), 'AGENT_REDIRECTED', /redirect \(307\) to nowhere$/],
  ])('%s', async (_, answering, code, text) => {
    const { host } = await startGateway(answering);
    await expectFailure(ask(host), code, text);
  });

  it.each<[string, unknown, RegExp]>([
    ['neither result nor error', {}, /neither result nor error is in it/],
    ['a result that is no object', { result: [] }, /the result is not an object but a list of 0/],
    ['null', { result: null }, /the result is not an object but null/],
    ['an error without a code', { error: { message: 'bad' } }, /its error has no code: an object of 1 keys/],
    ['an error that is a text', { error: 'bad' }, /its error has no code: "bad"/],
  ])('%s', async (_, answer, text) => {
    const { host } = await startGateway(({ id }, response) => json(response, { id, ...(answer as object) }));
    await expectFailure(ask(host), 'AGENT_BAD_ANSWER', text);
  });

  it('a redirect is not followed', async () => {
    const trap = await startGateway(({ id }, response) => json(response, { id, result: {} }));
    const { host } = await startGateway((_, response) => {
      response.writeHead(307, { location: `http://127.0.0.1:${trap.host.port}/jsonrpc` }).end();
    });
    await expectFailure(ask(host), 'AGENT_REDIRECTED', 'redirect');
    expect(trap.sockets).toEqual([]);
  });
});
