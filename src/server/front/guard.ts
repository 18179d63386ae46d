import { VurtiError } from '../../kernel/index.js';

/**
 * Values of the Host header that are answered. A page in a browser can make its own name point to 127.0.0.1, but it
 * cannot make the browser send another name (DNS rebinding).
 */
export function allowedHosts(
  address: { readonly host: string; readonly port: number },
  configured: readonly string[],
): Set<string> {
  const bare = address.host.includes(':') ? `[${address.host}]` : address.host;
  const names = ['127.0.0.1', 'localhost', '[::1]', bare];
  const withPort = names.map((name) => `${name}:${address.port}`);
  return new Set([...withPort, ...(address.port === 80 ? names : []), ...configured].map((name) => name.toLowerCase()));
}

/** `isOwn`: further names that are ours without being configured, as those of our certificate are. */
export function checkHost(
  header: string | undefined,
  allowed: ReadonlySet<string>,
  isOwn: (name: string) => boolean = () => false,
): void {
  if (header !== undefined && (allowed.has(header.toLowerCase()) || isOwn(header.toLowerCase()))) return;
  const shown = header === undefined ? 'none' : JSON.stringify(header.slice(0, 100));
  throw new VurtiError('HOST_HEADER_REFUSED', `The Host header ${shown} is not one of this service`, {
    hint: 'Use the address that the service listens on; names of a reverse proxy go into server.allowedHosts.',
  });
}
