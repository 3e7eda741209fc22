/**
 * XMP packets: adding Clearword's own properties to those that a picture already has (ISO 16684-1), and taking out what no
 * longer holds.
 *
 * @module
 */
import type { Element } from '@xmldom/xmldom';
import { isStaleProperty, promisesNothing } from './xmp-stale.ts';
import { descriptionsOf, newPacket, type Packet, parsePacket, RDF, serialisePacket, XMLNS } from './xmp-tree.ts';

/** Namespace of the properties that Clearword writes. */
export const XMP_NAMESPACE = 'https://clearword.dev/ns/1.0/';
const PREFIX = 'clearword';
const NOTE = 'http://ns.adobe.com/xmp/note/';

export type XmpProperties = Readonly<Record<string, string | number | undefined>>;

/**
 * The packet with the given properties in Clearword's namespace, replacing those of an earlier restoration. Names must be
 * XML names; undefined values are left out.
 *
 * The rest of an existing packet is kept, except what is about parts that a result does not have (see xmp-stale.ts) and an
 * orientation, which no longer holds once the pixels are upright. A packet that is no XMP is replaced.
 */
export function mergeXmp(existing: string | undefined, properties: XmpProperties): string {
  const packet = (existing === undefined ? undefined : parsePacket(existing)) ?? newPacket();
  for (const description of descriptionsOf(packet)) removeStale(description);
  const own = addDescription(packet);
  own.setAttributeNS(XMLNS, `xmlns:${PREFIX}`, XMP_NAMESPACE);
  for (const [name, value] of Object.entries(properties)) {
    if (value !== undefined) own.setAttributeNS(XMP_NAMESPACE, `${PREFIX}:${name}`, writable(String(value)));
  }
  return serialisePacket(packet);
}

/** Clearword's properties in a packet, as text; empty when there are none. */
export function readXmpProperties(xmp: string): Record<string, string> {
  const packet = parsePacket(xmp);
  const properties: Record<string, string> = {};
  for (const description of packet === undefined ? [] : descriptionsOf(packet)) {
    for (const { namespaceURI, localName, value } of [...description.attributes]) {
      if (namespaceURI === XMP_NAMESPACE && localName !== null) properties[localName] = value;
    }
  }
  return properties;
}

/** Several packets of one file as one: the descriptions of the later ones follow those of the first. */
export function joinXmp(packets: readonly string[]): string | undefined {
  if (packets.length <= 1) return packets[0];
  const parsed = packets
    .slice(0, MOST_PACKETS)
    .map(parsePacket)
    .filter((packet) => packet !== undefined);
  const [first, ...others] = parsed;
  if (first === undefined) return packets[0];
  for (const description of descriptionsOf(first)) description.removeAttributeNS(NOTE, EXTENDED);
  for (const other of others) {
    for (const description of descriptionsOf(other)) {
      description.removeAttributeNS(NOTE, EXTENDED);
      first.rdf.appendChild(first.document.importNode(description, true));
    }
  }
  return serialisePacket(first);
}

/** Programs write one, some two. */
export const MOST_PACKETS = 4;

const EXTENDED = 'HasExtendedXMP';

/** The packet that says which extended one belongs to it. */
export function withExtendedId(xmp: string, id: string): string {
  const packet = parsePacket(xmp) ?? newPacket();
  const note = addDescription(packet);
  note.setAttributeNS(XMLNS, 'xmlns:xmpNote', NOTE);
  note.setAttributeNS(NOTE, `xmpNote:${EXTENDED}`, id);
  return serialisePacket(packet);
}

/** The extended packet that a main one belongs to; undefined when it stands alone. */
export function extendedId(xmp: string): string | undefined {
  const packet = parsePacket(xmp);
  for (const description of packet === undefined ? [] : descriptionsOf(packet)) {
    const [element] = [...description.getElementsByTagNameNS(NOTE, EXTENDED)];
    const id = description.getAttributeNS(NOTE, EXTENDED) || element?.textContent;
    if (id) return id.trim().toUpperCase();
  }
  return undefined;
}

function addDescription({ document, rdf }: Packet): Element {
  const prefix = rdf.prefix === null ? '' : `${rdf.prefix}:`;
  const description = document.createElementNS(RDF, `${prefix}Description`);
  description.setAttributeNS(RDF, rdf.prefix === null ? 'rdf:about' : `${prefix}about`, '');
  rdf.appendChild(description);
  return description;
}

/** Takes a description's stale properties out, and the description itself when nothing else is in it. */
function removeStale(description: Element): void {
  for (const attribute of [...description.attributes]) {
    const { namespaceURI, localName } = attribute;
    const bound = namespaceURI === XMLNS && promisesNothing(attribute.value);
    if (bound || isStale(namespaceURI, localName)) description.removeAttributeNode(attribute);
    else if (isOrientation(namespaceURI, localName)) attribute.value = UPRIGHT;
  }
  for (const child of [...description.childNodes]) {
    if (child.nodeType !== child.ELEMENT_NODE) continue;
    const { namespaceURI, localName } = child as Element;
    if (isStale(namespaceURI, localName)) description.removeChild(child);
    else if (isOrientation(namespaceURI, localName)) child.textContent = UPRIGHT;
  }
  const properties = [...description.attributes].filter(({ namespaceURI: at }) => at !== XMLNS && at !== RDF);
  const elements = [...description.childNodes].some(({ nodeType, ELEMENT_NODE }) => nodeType === ELEMENT_NODE);
  if (properties.length === 0 && !elements) description.parentNode?.removeChild(description);
}

const UPRIGHT = '1';

function isStale(namespace: string | null, name: string | null): boolean {
  if (namespace === XMP_NAMESPACE) return true;
  if (namespace === NOTE && name === EXTENDED) return true;
  return isStaleProperty(namespace ?? '', name ?? '');
}

function isOrientation(namespace: string | null, name: string | null): boolean {
  return namespace === 'http://ns.adobe.com/tiff/1.0/' && name === 'Orientation';
}

/** XML 1.0 has no way to write most control characters, nor half of a surrogate pair. */
function writable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]|\p{Surrogate}/gu, '\uFFFD');
}
