import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { ErrorCode } from '../../kernel/index.js';
import { noParams, noQuery, parse } from '../inputs.js';
import type { SchemaName } from '../schema/answers.js';

type Fields = z.ZodObject;

/** One route of the API: what it takes, what it gives, and the words for its documentation. */
export interface Operation {
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** As the router has it: /api/v1/hosts/:ref */
  readonly path: string;
  readonly tag: 'Service' | 'Fleet' | 'Log' | 'Advice and commands' | 'Inventory';
  readonly summary: string;
  readonly description?: string;
  readonly params?: Fields;
  readonly query?: Fields;
  readonly body?: z.ZodType;
  /** Default 200. */
  readonly status?: 201;
  /** One of these; or a text of this media type. */
  /** Answered to everybody, also where others reach the service. */
  readonly access?: 'open';
  readonly answer: readonly SchemaName[] | { readonly mediaType: string; readonly description: string };
  /** It bears an ETag: a request with If-None-Match may be answered by 304. */
  readonly etag?: true;
  /** Codes beside those that every route may answer with. */
  readonly errors?: readonly ErrorCode[];
}

/** Reads need a token only where the service is reachable by others, writes always do. */
export const isWrite = ({ method }: Operation): boolean => method !== 'GET';

type Out<S, Otherwise> = S extends z.ZodType ? z.output<S> : Otherwise;

export interface Input<O extends Operation> {
  readonly params: Out<O['params'], unknown>;
  readonly query: Out<O['query'], unknown>;
  readonly body: Out<O['body'], undefined>;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** The one way by which a route comes to be: what it says it takes is what it is given. */
export function route<O extends Operation>(
  app: FastifyInstance,
  operation: O,
  handler: (input: Input<O>) => unknown,
  options: { readonly exposeHeadRoute?: boolean } = {},
): void {
  const { method, path: url, params, query, body, status, access } = operation;
  app.route({
    method,
    url,
    ...options,
    ...(access === undefined ? {} : { config: { access } }),
    handler: (request, reply) => {
      const input = {
        params: parse(params ?? noParams, request.params, 'path'),
        // A write says all in its path and body; what else stands in its address means nothing.
        query: query === undefined && isWrite(operation) ? {} : parse(query ?? noQuery, request.query, 'query'),
        body: body === undefined ? undefined : parse(body, request.body, 'body'),
        request,
        reply,
      } as Input<O>;
      if (status !== undefined) reply.code(status);
      return handler(input);
    },
  });
}
