/**
 * XMP packets as trees of elements.
 *
 * @module
 */
import { DOMParser, type Document, type Element, XMLSerializer } from '@xmldom/xmldom';

export const RDF = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#';
export const XMLNS = 'http://www.w3.org/2000/xmlns/';

export interface Packet {
  readonly document: Document;
  /** The element rdf:RDF, whose children are the descriptions. */
  readonly rdf: Element;
}

const EMPTY = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="${RDF}"></rdf:RDF></x:xmpmeta>`;

export function newPacket(): Packet {
  const packet = parsePacket(EMPTY);
  if (packet === undefined) throw new Error('the empty packet is no XMP');
  return packet;
}

/**
 * More than any program writes: a long history of edits has some thousand elements, a depth map some million letters. A
 * parser takes a tenth of a millisecond for an element, so that a file made for it could keep a server busy for hours.
 */
const MOST = { letters: 2 ** 25, elements: 20_000, attributes: 40_000 } as const;

function isModest(xmp: string): boolean {
  // A start and an end each.
  const elements = occurs(xmp, '<') / 2;
  return xmp.length <= MOST.letters && elements <= MOST.elements && occurs(xmp, '=') <= MOST.attributes;
}

function occurs(text: string, what: string): number {
  let count = 0;
  for (let at = text.indexOf(what); at >= 0; at = text.indexOf(what, at + what.length)) count++;
  return count;
}

/** Undefined for what is not well-formed, has no rdf:RDF, or is larger than a photo's can be. */
export function parsePacket(xmp: string): Packet | undefined {
  // Only the outermost element: what stands around it (processing instructions, padding) is written anew. Document types,
  // which could define entities, stand before it.
  const start = isModest(xmp) ? xmp.search(ELEMENT) : -1;
  if (start < 0) return undefined;
  const text = xmp.slice(start, xmp.lastIndexOf('>') + 1);
  try {
    const document = new DOMParser({ onError: refuse }).parseFromString(text, 'text/xml');
    const root = document.documentElement;
    const isRdf = root?.namespaceURI === RDF && root.localName === 'RDF';
    const rdf = isRdf ? root : document.getElementsByTagNameNS(RDF, 'RDF').item(0);
    return rdf ? { document, rdf } : undefined;
  } catch {
    return undefined;
  }
}

export function isXmp(text: string): boolean {
  return parsePacket(text) !== undefined;
}

const ELEMENT = /<(?:[\w.-]{1,64}:)?(?:xmpmeta|xapmeta|RDF)\b/;

function refuse(level: 'warning' | 'error' | 'fatalError', message: string): void {
  if (level !== 'warning') throw new Error(message);
}

export function descriptionsOf({ rdf }: Packet): Element[] {
  const elements = [...rdf.childNodes].filter(({ nodeType, ELEMENT_NODE }) => nodeType === ELEMENT_NODE) as Element[];
  return elements.filter(({ namespaceURI, localName }) => namespaceURI === RDF && localName === 'Description');
}

/** With the processing instructions that mark a packet; without padding. */
export function serialisePacket({ document, rdf }: Packet): string {
  const text = new XMLSerializer().serializeToString(document.documentElement ?? rdf);
  return `<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?>${text}<?xpacket end="w"?>`;
}
