/**
 * JPEG compression of a degraded picture: most photos come as such files, and it changes what noise looks like.
 *
 * @module
 */
import sharp from 'sharp';
import { toBytes, toRaster } from '../../image/picture.ts';
import type { Raster } from '../../image/raster.ts';

/**
 * The picture as it comes out of a JPEG file.
 *
 * @param image values that 8 bits can hold
 * @param quality 1..100
 * @param subsampled colours at half the resolution (4:2:0), as most cameras store them
 */
export async function compressJpeg(image: Raster, quality: number, subsampled: boolean): Promise<Raster> {
  const { data, width, height, channels } = toBytes(image);
  const file = await sharp(data, { raw: { width, height, channels } })
    .jpeg({ quality, chromaSubsampling: subsampled ? '4:2:0' : '4:4:4' })
    .toBuffer();
  return toRaster({ width, height, channels: 3, data: await sharp(file).raw().toBuffer() });
}
