import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { VurtiError } from '../kernel/index.js';
import { noQuery, parse } from './inputs.js';

/** For people with a browser. Nothing comes from elsewhere, and nothing stands in the page that a script could be. */
const pages = {
  '/': { file: 'index.html', type: 'text/html; charset=utf-8' },
  '/docs': { file: 'docs.html', type: 'text/html; charset=utf-8' },
  '/docs/index.js': { file: 'index.js', type: 'text/javascript; charset=utf-8' },
  '/docs/docs.js': { file: 'docs.js', type: 'text/javascript; charset=utf-8' },
  '/docs/pages.css': { file: 'pages.css', type: 'text/css; charset=utf-8' },
} as const;

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** GET / says what this is and how it is; GET /docs is the API to read and to try. */
export function pageRoutes(app: FastifyInstance): void {
  for (const [path, { file, type }] of Object.entries(pages)) {
    app.get(path, (request, reply) => {
      parse(noQuery, request.query, 'query');
      return reply.type(type).header('content-security-policy', policy).serializer(String).send(read(file));
    });
  }
}

/** @throws NOT_FOUND in an installation without them */
function read(file: string): string {
  try {
    return readFileSync(new URL(`../../assets/${file}`, import.meta.url), 'utf8');
  } catch (error) {
    throw new VurtiError('NOT_FOUND', 'The pages for browsers were not installed', { cause: error });
  }
}
