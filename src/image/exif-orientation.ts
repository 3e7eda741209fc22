/**
 * The orientation and the thumbnail in an EXIF block, which no longer hold once a picture was turned and restored.
 *
 * @module
 */

const ORIENTATION = 0x0112;
const UPRIGHT = 1;
/** Bytes of one entry of an image file directory (TIFF 6.0, section 2): tag, type, count, value. */
const ENTRY = 12;
/** What JPEG puts before the block. */
const PREFIX = 'Exif\0\0';

/**
 * A copy, as a TIFF structure, with orientation 1 and without the thumbnail, which shows the picture before it was
 * restored. Everything else, maker notes included, stays byte for byte. Undefined when the block is damaged.
 */
export function uprightExif(exif: Uint8Array): Uint8Array | undefined {
  const prefixed = String.fromCharCode(...exif.subarray(0, PREFIX.length)) === PREFIX;
  const tiff = new Uint8Array(prefixed ? exif.subarray(PREFIX.length) : exif);
  return resetFirstDirectory(tiff) ? tiff : undefined;
}

/** Changes IFD0 in place: orientation to upright, no link to IFD1 (the thumbnail). False when the structure is broken. */
function resetFirstDirectory(tiff: Uint8Array): boolean {
  if (tiff.length < 14) return false;
  const order = String.fromCharCode(...tiff.subarray(0, 2));
  if (order !== 'II' && order !== 'MM') return false;
  const little = order === 'II';
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const directory = view.getUint32(4, little);
  if (directory + 2 > tiff.length) return false;
  const end = directory + 2 + view.getUint16(directory, little) * ENTRY;
  if (end + 4 > tiff.length) return false;
  for (let entry = directory + 2; entry < end; entry += ENTRY) {
    if (view.getUint16(entry, little) === ORIENTATION) view.setUint16(entry + 8, UPRIGHT, little);
  }
  view.setUint32(end, 0, little);
  return true;
}
