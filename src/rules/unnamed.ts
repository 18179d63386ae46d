/** Messages of errors begin with the host that they are about; where everybody knows which one that is, without it. */
export function unnamed(message: string, host: string): string {
  if (!message.startsWith(host)) return message;
  return message
    .slice(host.length)
    .replace(/^ \([^)]*\)/, '')
    .replace(/^:? +/, '');
}
