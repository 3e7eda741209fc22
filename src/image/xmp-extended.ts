/**
 * XMP that is larger than a segment of a JPEG: a main packet of at most 65502 bytes, and an extended one in pieces that the
 * main packet names (ISO 16684-3, section 1.1.3.1).
 *
 * @module
 */
import type { Attr, Element } from '@xmldom/xmldom';
import { latin1, viewOf } from './file-parts.ts';
import { md5 } from './md5.ts';
import { decodeXmp } from './metadata.ts';
import { extendedId, joinXmp, MOST_PACKETS, withExtendedId } from './xmp.ts';
import { descriptionsOf, newPacket, parsePacket, RDF, serialisePacket, XMLNS } from './xmp-tree.ts';

export const XMP_NAME = 'http://ns.adobe.com/xap/1.0/\0';
export const EXTENSION_NAME = 'http://ns.adobe.com/xmp/extension/\0';

/** Digits of the digest, the length of the whole, and where the piece starts. */
const HEAD = 32 + 4 + 4;
/** A segment has at most 65535 bytes, its own two length bytes among them. */
const LARGEST_MAIN = 65_533 - XMP_NAME.length;
const LARGEST_PIECE = 65_000;

export interface XmpSegments {
  readonly main: Uint8Array;
  /** Contents of segments, after the name of an extension. */
  readonly pieces: readonly Uint8Array[];
}

/** One packet out of the contents of a file's segments, each without its name; undefined when there is none. */
export function joinSegments(mains: readonly Uint8Array[], pieces: readonly Uint8Array[]): string | undefined {
  const packets = mains.slice(0, MOST_PACKETS).map(decodeXmp);
  const ids = packets.map(extendedId).filter((id) => id !== undefined);
  const extended = ids.map((id) => assemble(id, pieces)).filter((packet) => packet !== undefined);
  return joinXmp([...packets, ...extended]);
}

/** The extended packet of that name; undefined when a part of it is missing. */
function assemble(id: string, pieces: readonly Uint8Array[]): string | undefined {
  const own = pieces.filter(
    (piece) => piece.length > HEAD && String.fromCharCode(...piece.subarray(0, 32)).toUpperCase() === id,
  );
  const total = own.reduce((sum, { length }) => sum + length - HEAD, 0);
  if (own.length === 0 || own.some((piece) => viewOf(piece).getUint32(32) !== total)) return undefined;
  const whole = new Uint8Array(total);
  for (const piece of own) {
    const at = viewOf(piece).getUint32(36);
    if (at + piece.length - HEAD > total) return undefined;
    whole.set(piece.subarray(HEAD), at);
  }
  return decodeXmp(whole);
}

/** The packet for a JPEG: in one piece where it fits. Undefined when it cannot be split. */
export function splitXmp(xmp: string): XmpSegments | undefined {
  const whole = utf8(xmp);
  if (whole.length <= LARGEST_MAIN) return { main: whole, pieces: [] };
  const split = moveLargest(xmp);
  if (split === undefined) return undefined;
  const extended = utf8(split.extended);
  const id = md5(extended);
  const main = utf8(withExtendedId(split.main, id));
  if (main.length > LARGEST_MAIN) return undefined;
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < extended.length; at += LARGEST_PIECE) {
    const body = extended.subarray(at, at + LARGEST_PIECE);
    const piece = new Uint8Array(HEAD + body.length);
    piece.set(latin1(id));
    viewOf(piece).setUint32(32, extended.length);
    viewOf(piece).setUint32(36, at);
    piece.set(body, HEAD);
    pieces.push(piece);
  }
  return { main, pieces };
}

/** Room for the name of the extended packet. */
const SPARE = 300;

/** Properties, the largest first, go into a packet of their own until the rest fits. */
function moveLargest(xmp: string): { readonly main: string; readonly extended: string } | undefined {
  const main = parsePacket(xmp);
  if (main === undefined) return undefined;
  const extended = newPacket();
  const target = extended.document.createElementNS(RDF, 'rdf:Description');
  target.setAttributeNS(RDF, 'rdf:about', '');
  extended.rdf.appendChild(target);
  let excess = utf8(xmp).length - (LARGEST_MAIN - SPARE);
  const properties = descriptionsOf(main).flatMap(propertiesOf);
  for (const { owner, node, size } of properties.sort((a, b) => b.size - a.size)) {
    if (excess <= 0) break;
    excess -= size;
    if (node.nodeType === node.ATTRIBUTE_NODE) {
      const { namespaceURI, name, value } = node as Attr;
      owner.removeAttributeNode(node as Attr);
      target.setAttributeNS(namespaceURI, name, value);
    } else {
      owner.removeChild(node as Element);
      target.appendChild(extended.document.importNode(node as Element, true));
    }
  }
  return excess > 0 ? undefined : { main: serialisePacket(main), extended: serialisePacket(extended) };
}

interface Property {
  readonly owner: Element;
  readonly node: Element | Attr;
  /** Least bytes that it takes. */
  readonly size: number;
}

function propertiesOf(owner: Element): Property[] {
  const attributes = [...owner.attributes].filter(({ namespaceURI }) => namespaceURI !== XMLNS && namespaceURI !== RDF);
  const elements = [...owner.childNodes].filter(({ nodeType, ELEMENT_NODE }) => nodeType === ELEMENT_NODE) as Element[];
  return [
    ...attributes.map((node) => ({ owner, node, size: utf8(node.value).length })),
    ...elements.map((node) => ({ owner, node, size: utf8(node.textContent ?? '').length })),
  ];
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
