import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Telemetry, VurtiError } from '../kernel/index.js';
import { type Caller, isWrite } from './access.js';

/**
 * Who wrote what, from where, with which outcome: a record of the service's own log for each write, those that were
 * refused included. What a write did to an entity stands in the event log, with by = command; who asked for it and from
 * which address is not for everybody who may read events.
 */
export class Audit {
  readonly #callers = new WeakMap<FastifyRequest, Caller>();
  readonly #failures = new WeakMap<FastifyReply, VurtiError>();

  constructor(app: FastifyInstance, telemetry: Telemetry) {
    app.addHook('onResponse', async (request, reply) => {
      const failure = this.#failures.get(reply);
      if (!isWrite(request.method) || failure?.code === 'TOO_MANY_REQUESTS') return;
      const done = reply.statusCode < 400;
      telemetry.log(done ? 'info' : 'warn', done ? 'A write was done' : 'A write was refused', {
        audit: true,
        by: this.#callers.get(request)?.name ?? String(failure?.details['caller'] ?? 'nobody'),
        method: request.method,
        path: request.url.split('?', 1)[0]?.slice(0, 300),
        from: request.ip,
        status: reply.statusCode,
        code: failure?.code,
      });
    });
  }

  calls(request: FastifyRequest, caller: Caller): void {
    this.#callers.set(request, caller);
  }

  fails(reply: FastifyReply, error: VurtiError): void {
    this.#failures.set(reply, error);
  }
}
