import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { seconds, silentTelemetry, type Telemetry, VurtiError } from '../../src/kernel/index.js';
import { createTestMonitor, FakeFetcher } from '../../src/testing/index.js';
import { startTracing, type Tracing } from '../../src/tracing/index.js';

interface Received {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
  readonly status: { readonly code?: number; readonly message?: string };
}

/** Takes what is exported, as a collector on this machine would. */
class Collector {
  readonly spans: Received[] = [];
  readonly services = new Set<unknown>();
  readonly requests: string[] = [];
  #server: Server | undefined;

  async start(): Promise<string> {
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        this.requests.push(`${request.method} ${request.url} ${request.headers['content-type']}`);
        this.#take(JSON.parse(Buffer.concat(parts).toString()));
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
    });
    await new Promise<void>((resolve) => this.#server?.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }

  named(name: string): Received[] {
    return this.spans.filter((span) => span.name === name);
  }

  #take(body: {
    resourceSpans: {
      resource: { attributes: Received['attributes'] };
      scopeSpans: { spans: Received[] }[];
    }[];
  }): void {
    for (const { resource, scopeSpans } of body.resourceSpans) {
      this.services.add(resource.attributes.find(({ key }) => key === 'service.name')?.value['stringValue']);
      for (const { spans } of scopeSpans) this.spans.push(...spans);
    }
  }
}

const attributeOf = (span: Received | undefined, key: string): unknown =>
  Object.values(span?.attributes.find((one) => one.key === key)?.value ?? {})[0];

const collector = { now: new Collector() };
const problems: string[] = [];
let tracing: Tracing | undefined;

async function traced(sampleRatio = 1): Promise<Telemetry> {
  collector.now = new Collector();
  problems.length = 0;
  const endpoint = await collector.now.start();
  tracing = startTracing({ endpoint, sampleRatio, version: '0.1.0', onProblem: (message) => problems.push(message) });
  return { ...silentTelemetry, tracer: tracing.tracer };
}

afterEach(async () => {
  await tracing?.stop();
  tracing = undefined;
  collector.now.stop();
});

describe('a trace', () => {
  it('leads from the poll over its calls and their decoding to the rules and the commit', async () => {
    const telemetry = await traced();
    const agents = new FakeFetcher().host('kvm-07', { vms: { 'web-03': {}, 'web-04': {} } });
    await using t = await createTestMonitor({ fetcher: agents, telemetry });
    await t.clock.runFor(seconds(40));
    agents.on('kvm-07').with('web-03', { status: 'Paused', pauseStatus: 'ENOSPC' });
    await t.clock.runFor(seconds(40));
    await t.monitor.stop();
    await tracing?.stop();

    const { now } = collector;
    expect(problems).toEqual([]);
    expect(now.requests[0]).toBe('POST /v1/traces application/json');
    expect([...now.services]).toEqual(['vurti']);
    const polls = now.named('poll');
    expect(polls.length).toBeGreaterThan(3);
    expect(polls.every((span) => span.parentSpanId === undefined && attributeOf(span, 'vurti.host') === 'kvm-07')).toBe(
      true,
    );
    // The poll that brought the change: all that came of it is in its trace.
    const change = now
      .named('rules')
      .findLast((span) => attributeOf(span, 'vurti.evidence') === 'VmStateChanged' && commitsOf(span).length > 0);
    const poll = polls.find((span) => span.traceId === change?.traceId);
    expect(change?.parentSpanId).toBe(poll?.spanId);
    const partsOf = (name: string): Received[] =>
      now.named(name).filter((span) => span.traceId === poll?.traceId && span.parentSpanId === poll?.spanId);
    // Calls of one tick run beside each other: a span each.
    expect(
      partsOf('call')
        .map((span) => attributeOf(span, 'vurti.method'))
        .sort(),
    ).toEqual(['Host.getAllVmStats', 'Host.getStats']);
    expect(
      partsOf('decode')
        .map((span) => attributeOf(span, 'vurti.method'))
        .sort(),
    ).toEqual(['Host.getAllVmStats', 'Host.getStats']);
    expect(attributeOf(commitsOf(change)[0], 'vurti.records')).toBeGreaterThan(0);
    for (const span of now.spans) {
      expect(BigInt(span.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(span.startTimeUnixNano));
    }
    expect(now.named('flush').length).toBeGreaterThan(0);

    function commitsOf(rules: Received | undefined): Received[] {
      return now
        .named('commit')
        .filter((span) => span.parentSpanId === rules?.spanId && span.traceId === rules?.traceId);
    }
  });

  it('shows which call failed and that the poll came to nothing', async () => {
    const telemetry = await traced();
    const agents = new FakeFetcher().host('kvm-07', { vms: { 'web-03': {} } });
    await using t = await createTestMonitor({ fetcher: agents, telemetry });
    await t.clock.runFor(seconds(20));
    agents.on('kvm-07').refuse();
    await t.clock.runFor(seconds(40));
    await t.monitor.stop();
    await tracing?.stop();
    const failed = collector.now.spans.filter(({ status }) => status.code === 2);
    expect(new Set(failed.map(({ name }) => name))).toEqual(new Set(['call', 'poll']));
    expect(
      attributeOf(
        failed.find(({ name }) => name === 'call'),
        'error.type',
      ),
    ).toBe('AGENT_UNREACHABLE');
    const unreachable = collector.now
      .named('rules')
      .find((span) => attributeOf(span, 'vurti.evidence') === 'VdsUnreachable');
    expect(failed.map(({ spanId }) => spanId)).toContain(unreachable?.parentSpanId);
  });

  it('is left out with its parts when it is not sampled', async () => {
    const { tracer } = await traced(0);
    const span = tracer?.start('poll');
    span?.child('call').end();
    span?.end();
    await tracing?.stop();
    expect(collector.now.spans).toEqual([]);
  });

  it('tells when nobody takes it, and holds nothing up', async () => {
    const telemetry = await traced();
    collector.now.stop();
    telemetry.tracer?.start('poll').end(new VurtiError('AGENT_TIMEOUT', 'late'));
    await tracing?.stop();
    expect(problems.join('\n')).toMatch(/ECONNREFUSED|fetch failed|connect/i);
  });
});

describe('switched off', () => {
  it('nothing is called and nothing is made: the core only looks whether there is a tracer', async () => {
    let looks = 0;
    const called: string[] = [];
    const telemetry: Telemetry = {
      ...silentTelemetry,
      get tracer(): never {
        looks += 1;
        return undefined as never;
      },
    };
    const within = new Proxy(telemetry, {
      get(target, name, receiver) {
        if (!['log', 'count', 'gauge', 'observe', 'tracer'].includes(String(name))) called.push(String(name));
        return Reflect.get(target, name, receiver);
      },
    });
    const agents = new FakeFetcher().host('kvm-07', { vms: { 'web-03': {}, 'web-04': {} } });
    await using t = await createTestMonitor({ fetcher: agents, telemetry: within });
    await t.clock.runFor(seconds(60));
    expect(called).toEqual([]);
    // The test monitor asks once, when it puts its telemetry together, and finds none: the core is given none at all.
    expect(looks).toBe(1);
  });

  it('it is not even loaded: only types are imported from it, and it itself when it is wanted', () => {
    const importers = readdirSync('src', { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.startsWith('tracing'))
      .flatMap((file) =>
        readFileSync(`src/${file}`, 'utf8')
          .split('\n')
          .filter((line) => /tracing\/index\.js|@opentelemetry/.test(line))
          .map((line) => line.trim()),
      );
    expect(importers).toEqual([
      "import type { Tracing } from '../../tracing/index.js';",
      "const { startTracing } = await import('../../tracing/index.js');",
    ]);
  });
});
