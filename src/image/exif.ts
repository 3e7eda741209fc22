/**
 * EXIF blocks made fit for a picture whose orientation was applied and whose pixels changed.
 *
 * @module
 */
import sharp from 'sharp';
import { blankPng } from './blank-png.ts';
import { uprightExif } from './exif-orientation.ts';

/** As `uprightExif`; undefined also for a block that would make every encoder fail. */
export async function exifForWriting(exif: Uint8Array): Promise<Uint8Array | undefined> {
  const tiff = uprightExif(exif);
  if (tiff === undefined) return undefined;
  try {
    await sharp(blankPng({ channels: 3, bits: 8, exif: tiff }))
      .keepExif()
      .jpeg()
      .toBuffer();
    return tiff;
  } catch {
    return undefined;
  }
}
