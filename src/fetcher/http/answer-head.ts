export interface AnswerHead {
  readonly status: number;
  readonly type: string;
  /** Of the body, bytes; null: it is not of a kind that is read here. */
  readonly length: number | null;
  /** How long the connection may be kept idle, ms; 0: not at all; null: the agent does not say. */
  readonly keptMs: number | null;
}

const STATUS = /^HTTP\/1\.1 (\d{3})(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const HEADER = /^([!#$%&'*+.^_`|~\w-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*)$/;
/** Of what an agent allows: it may close the connection while the next question is on its way. */
const MARGIN_MS = 1000;

/**
 * The head of an answer, without the empty line; null: something in it is not as simple as agents' answers are. Whatever
 * is doubtful is for Node's own parser to judge, with its words.
 */
export function readHead(text: string): AnswerHead | null {
  const [first = '', ...lines] = text.split('\r\n');
  const status = STATUS.exec(first)?.[1];
  if (status === undefined) return null;
  let type = '';
  let length: number | null = null;
  let keptMs: number | null = null;
  let simple = status === '200';
  for (const line of lines) {
    const header = HEADER.exec(line);
    if (header === null) return null;
    const value = (header[2] as string).trim();
    switch ((header[1] as string).toLowerCase()) {
      case 'content-length':
        if (length !== null || !/^\d{1,12}$/.test(value)) return null;
        length = Number(value);
        break;
      case 'content-type':
        if (type !== '') return null;
        type = value;
        break;
      case 'transfer-encoding':
        simple = false;
        break;
      case 'content-encoding':
        simple &&= value === '' || value.toLowerCase() === 'identity';
        break;
      case 'connection':
        if (/^close$/i.test(value)) keptMs = 0;
        else if (!/^keep-alive$/i.test(value)) simple = false;
        break;
      case 'keep-alive': {
        const seconds = /(?:^|[ ,])timeout=(\d{1,6})(?:$|[ ,])/i.exec(value)?.[1];
        if (seconds !== undefined && keptMs === null) keptMs = Math.max(0, Number(seconds) * 1000 - MARGIN_MS);
        break;
      }
      case 'upgrade':
      case 'trailer':
        simple = false;
        break;
      default:
    }
  }
  return { status: Number(status), type, length: simple ? length : null, keptMs };
}
