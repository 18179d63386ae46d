import sax from 'sax';

/** An element with what stands in it. Maps, not objects: a name in a document never becomes a property. */
export interface XmlElement {
  /** Without the prefix of its namespace. */
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Its own text, without that of the elements in it. */
  readonly text: string;
}

interface Open extends XmlElement {
  readonly attributes: Map<string, string>;
  readonly children: Open[];
  text: string;
}

/** libvirt's description of a VM is some ten thousand characters; hundreds of disks fit into this. */
const LONGEST_XML = 524_288;
/** The reader looks at its own limits (64 KiB of one text or value) after each piece. */
const PIECE = 65_536;
const MAX_DEPTH = 32;
const MAX_ELEMENTS = 20_000;

/**
 * Takes one XML document apart. Without document types: they are what bombs of entities and files of others are made of,
 * and libvirt writes none.
 *
 * @throws SyntaxError whose message holds nothing of the document
 */
export function parseXml(text: string): XmlElement {
  if (text.length > LONGEST_XML) throw new SyntaxError(`the XML is longer than ${LONGEST_XML} characters`);
  const open: Open[] = [];
  let root: Open | undefined;
  let elements = 0;
  let attributes = new Map<string, string>();
  const parser = sax.parser(true, { xmlns: false, position: false });
  // The five that XML itself has; a document can add none.
  parser.ENTITIES = Object.assign(Object.create(null), { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" });
  parser.onerror = () => {
    throw new SyntaxError('the XML is not well-formed');
  };
  parser.ondoctype = () => {
    throw new SyntaxError('the XML has a document type');
  };
  parser.onattribute = ({ name, value }) => attributes.set(name, value);
  parser.onopentag = ({ name }) => {
    if (root !== undefined && open.length === 0) throw new SyntaxError('the XML has a second root');
    elements += 1;
    if (elements > MAX_ELEMENTS) throw new SyntaxError(`the XML has more than ${MAX_ELEMENTS} elements`);
    if (open.length >= MAX_DEPTH) throw new SyntaxError(`the XML is nested deeper than ${MAX_DEPTH} levels`);
    const element: Open = { name: localName(name), attributes, children: [], text: '' };
    attributes = new Map();
    open.at(-1)?.children.push(element);
    root ??= element;
    open.push(element);
  };
  parser.onclosetag = () => open.pop();
  const onText = (part: string): void => {
    const element = open.at(-1);
    if (element !== undefined) element.text += part;
  };
  parser.ontext = onText;
  parser.oncdata = onText;
  for (let at = 0; at < text.length; at += PIECE) parser.write(text.slice(at, at + PIECE));
  parser.close();
  if (root === undefined) throw new SyntaxError('the XML has no element');
  return root;
}

export function childrenOf(element: XmlElement | undefined, name: string): XmlElement[] {
  return element === undefined ? [] : element.children.filter((child) => child.name === name);
}

export function childOf(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((child) => child.name === name);
}

const localName = (name: string): string => name.slice(name.indexOf(':') + 1);
