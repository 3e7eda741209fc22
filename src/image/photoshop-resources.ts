/**
 * Adobe's image resource block, in which JPEG, and sometimes PNG and TIFF, hold IPTC.
 *
 * @module
 */
import { ascii, joined, latin1, viewOf } from './file-parts.ts';
import type { PhotoshopResource } from './metadata.ts';

export const IPTC_RESOURCE = 0x0404;
/**
 * Of Photoshop's resources those that are about the photo and not about Photoshop: IPTC, the digest by which programs see
 * that it was not changed apart from XMP, copyright flag and address.
 */
const KEPT_RESOURCES: readonly number[] = [IPTC_RESOURCE, 0x0425, 0x040a, 0x040b];

/** IPTC as other formats have it: the block, or the records alone. Nothing for what is neither. */
export function iptcResources(data: Uint8Array): PhotoshopResource[] {
  if (data[0] === RECORD_MARK) return [{ id: IPTC_RESOURCE, data }];
  return ascii(data, 0) === '8BIM' ? readResources(data) : [];
}

/** Every record of IPTC's Information Interchange Model starts with it. */
const RECORD_MARK = 0x1c;

/** "8BIM", identity, a name of any length (padded to even), then the data (padded too). Others than those kept are left. */
export function readResources(block: Uint8Array): PhotoshopResource[] {
  const resources: PhotoshopResource[] = [];
  const view = viewOf(block);
  let at = 0;
  while (at + 12 <= block.length && ascii(block, at) === '8BIM') {
    const name = (block[at + 6] as number) + 1;
    const size = at + 6 + name + (name % 2);
    if (size + 4 > block.length) break;
    const length = view.getUint32(size);
    const start = size + 4;
    if (start + length > block.length) break;
    const id = view.getUint16(at + 4);
    if (KEPT_RESOURCES.includes(id)) resources.push({ id, data: block.slice(start, start + length) });
    at = start + length + (length % 2);
  }
  return resources;
}

export function writeResources(resources: readonly PhotoshopResource[]): Uint8Array {
  return joined(
    resources.flatMap(({ id, data }) => {
      // No name: a length of 0, padded.
      const head = new Uint8Array(12);
      head.set(latin1('8BIM'));
      viewOf(head).setUint16(4, id);
      viewOf(head).setUint32(8, data.length);
      return [head, data, new Uint8Array(data.length % 2)];
    }),
  );
}
