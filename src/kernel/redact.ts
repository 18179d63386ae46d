/** Inside of a PEM block, in text and in JSON. */
const pem = '(?:[\\w+/=\\s:,-]|\\\\[nr])';

const shapes: readonly (readonly [RegExp, string])[] = [
  // A password may hold an @ of its own: all up to the last one before the path.
  [/\b([a-z][a-z\d+.-]*:\/\/[^\s/:@"']*):[^\s/"']+@/gi, '$1:(secret)@'],
  [/\bvurti_[\w-]{40,}/g, 'vurti_(secret)'],
  [/\bbearer +[\w.~+/=-]{16,}/gi, 'Bearer (secret)'],
  [
    new RegExp(`-----BEGIN [A-Z ]*PRIVATE KEY-----(?:${pem}*?-----END [A-Z ]*PRIVATE KEY-----|${pem}*)`, 'g'),
    '(private key)',
  ],
  [/\b(password|passwd|pwd|passphrase|secret)=[^\s&;,"'\\]+/gi, '$1=(secret)'],
  [/"(password|passphrase|secret|token)":\s*"(?:[^"\\]|\\.)*"/gi, '"$1":"(secret)"'],
  // JSON within a text within JSON.
  [/\\"(password|passphrase|secret|token)\\":\s*\\"[^"\\]*\\"/gi, '\\"$1\\":\\"(secret)\\"'],
];

/**
 * Text without what looks like a secret. Secrets are kept out of messages where these are made; this catches those that
 * a library's error, an agent or a URL brings along. A line of JSON stays one.
 */
export function withoutSecrets(text: string): string {
  let out = text;
  for (const [shape, instead] of shapes) out = out.replace(shape, instead);
  return out;
}
