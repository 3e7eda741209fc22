/**
 * XMP packets: adding Clearword's own properties to those that a picture already has (ISO 16684-1).
 *
 * @module
 */

/** Namespace of the properties that Clearword writes. */
export const XMP_NAMESPACE = 'https://clearword.dev/ns/1.0/';
const PREFIX = 'clearword';

/**
 * The packet with the given properties in Clearword's namespace, replacing those of an earlier restoration. Names must be
 * XML names; undefined values are left out.
 *
 * The rest of an existing packet is kept, except tiff:Orientation, which no longer holds once the pixels are upright. A
 * packet without an rdf:RDF element is no XMP and is replaced.
 */
export function mergeXmp(
  existing: string | undefined,
  properties: Readonly<Record<string, string | number | undefined>>,
): string {
  const attributes = Object.entries(properties)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${PREFIX}:${name}="${escapeXml(String(value))}"`)
    .join('');
  const description = `<rdf:Description rdf:about="" xmlns:${PREFIX}="${XMP_NAMESPACE}"${attributes}/>`;
  const kept = existing === undefined ? undefined : withoutStale(existing);
  if (kept !== undefined) {
    // An empty rdf:RDF may be self-closing.
    const opened = kept.replace(/<rdf:RDF([^>]*)\/>/, '<rdf:RDF$1></rdf:RDF>');
    const end = opened.lastIndexOf('</rdf:RDF>');
    if (end >= 0) return `${opened.slice(0, end)}${description}${opened.slice(end)}`;
  }
  const rdf = `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">${description}</rdf:RDF>`;
  const meta = `<x:xmpmeta xmlns:x="adobe:ns:meta/">${rdf}</x:xmpmeta>`;
  return `<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?>${meta}<?xpacket end="w"?>`;
}

/** Clearword's properties in a packet, as text; empty when there are none. */
export function readXmpProperties(xmp: string): Record<string, string> {
  const description = OWN_DESCRIPTION.exec(xmp)?.[0] ?? '';
  const properties: Record<string, string> = {};
  for (const [, name, value] of description.matchAll(/\sclearword:(\w+)="([^"]*)"/g)) {
    if (name !== undefined && value !== undefined) properties[name] = unescapeXml(value);
  }
  return properties;
}

/** The element as `mergeXmp` writes it; attribute values never contain "<" or a bare quote. */
const OWN_DESCRIPTION = /<rdf:Description rdf:about="" xmlns:clearword="https:\/\/clearword\.dev\/ns\/1\.0\/"[^<]*?\/>/;

function withoutStale(xmp: string): string {
  return (
    xmp
      .replace(OWN_DESCRIPTION, '')
      .replace(/\stiff:Orientation="\d+"/g, ' tiff:Orientation="1"')
      .replace(/(<tiff:Orientation>)\d+(<\/tiff:Orientation>)/g, '$11$2')
      // Padding for in-place edits: the packet is rewritten anyway, and in a JPEG it counts against 64 KiB.
      .replace(/\s{64,}(?=<\?xpacket end)/, '\n')
  );
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // Otherwise an XML reader would turn them into spaces.
  '\n': '&#10;',
  '\r': '&#13;',
  '\t': '&#9;',
};

function escapeXml(text: string): string {
  // XML 1.0 has no way to write the other control characters, nor half of a surrogate pair.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const allowed = text.replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]|\p{Surrogate}/gu, '\uFFFD');
  return allowed.replace(/[&<>"\n\r\t]/g, (character) => ENTITIES[character] as string);
}

function unescapeXml(text: string): string {
  const characters = Object.fromEntries(Object.entries(ENTITIES).map(([character, entity]) => [entity, character]));
  return text.replace(/&(?:#\d+|\w+);/g, (entity) => characters[entity] ?? entity);
}
