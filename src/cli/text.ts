/**
 * Text that comes from agents, guests and other people's names. Shown raw it could move the cursor, set the window's
 * title, or turn the reading direction around.
 */
const unsafe = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu;

export function escapeControl(text: string): string {
  return text.replaceAll(unsafe, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (character === '\n') return '\\n';
    if (character === '\t') return '\\t';
    if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
    return code <= 0xffff ? `\\u${code.toString(16).padStart(4, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** Inside JSON text, where only escapes that JSON knows may stand. JSON.stringify leaves these characters alone. */
export function escapeInJson(json: string): string {
  return json.replaceAll(/[\x7f-\x9f\p{Cf}\u2028\u2029]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

const wide =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}])/u;

/** Columns on a terminal. Expects text without control characters. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/^\p{M}/u.test(character)) continue;
    width += wide.test(character) ? 2 : 1;
  }
  return width;
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

const plain: Readonly<Record<string, string>> = {
  '·': '|',
  '…': '...',
  '→': '->',
  '└': '`-',
  '×': 'x',
  '–': '-',
  '’': "'",
  '“': '"',
  '”': '"',
  '≥': '>=',
};

/** For locales without UTF-8. */
export function toAscii(text: string): string {
  return text.replaceAll(/[^\x00-\x7f]/gu, (character) => plain[character] ?? '?');
}

/** Lines of at most `width` columns, broken at spaces; a word that is longer stands alone. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
