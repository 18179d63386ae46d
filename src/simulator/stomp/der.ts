/** Just as much DER (X.690) as a certificate takes. */

export function tlv(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 128) return Buffer.concat([Buffer.from([tag, length]), content]);
  const digits: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return Buffer.concat([Buffer.from([tag, 0x80 | digits.length, ...digits]), content]);
}

export const sequence = (...parts: readonly Buffer[]): Buffer => tlv(0x30, ...parts);
export const set = (...parts: readonly Buffer[]): Buffer => tlv(0x31, ...parts);
export const octets = (...parts: readonly Buffer[]): Buffer => tlv(0x04, ...parts);
export const utf8 = (text: string): Buffer => tlv(0x0c, Buffer.from(text, 'utf8'));
export const truth = (): Buffer => tlv(0x01, Buffer.from([0xff]));
/** All bits of the bytes but the last `unused` ones. */
export const bits = (bytes: Buffer, unused = 0): Buffer => tlv(0x03, Buffer.from([unused]), bytes);

/** Of a number that is not negative, big end first. */
export function integer(bytes: Buffer): Buffer {
  const sign = (bytes[0] ?? 0) >= 0x80 ? Buffer.from([0]) : Buffer.alloc(0);
  return tlv(0x02, sign, bytes);
}

/** An object identifier in dots. */
export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const digits = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      digits.unshift((left & 0x7f) | 0x80);
    bytes.push(...digits);
  }
  return tlv(0x06, Buffer.from(bytes));
}

/** GeneralizedTime of ms since the epoch, in whole seconds. */
export function time(ms: number): Buffer {
  const text = `${new Date(ms).toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
  // Up to 2049 a certificate's times have two digits for the year.
  const year = Number(text.slice(0, 4));
  return year < 2050 ? tlv(0x17, Buffer.from(text.slice(2), 'latin1')) : tlv(0x18, Buffer.from(text, 'latin1'));
}
