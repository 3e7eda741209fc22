/**
 * JPEG compression of a degraded picture: most photos come as such files, and it changes what noise looks like.
 *
 * @module
 */
import sharp from 'sharp';
import { createRaster, type Raster } from '../raster.ts';

/**
 * The picture as it comes out of a JPEG file.
 *
 * @param image values that 8 bits can hold
 * @param quality 1..100
 * @param subsampled colours at half the resolution (4:2:0), as most cameras store them
 */
export async function compressJpeg(image: Raster, quality: number, subsampled: boolean): Promise<Raster> {
  const { width, height } = image;
  const plane = width * height;
  const bytes = new Uint8Array(3 * plane);
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < plane; i++) bytes[3 * i + c] = Math.round(255 * (image.data[c * plane + i] as number));
  }
  const file = await sharp(bytes, { raw: { width, height, channels: 3 } })
    .jpeg({ quality, chromaSubsampling: subsampled ? '4:2:0' : '4:4:4' })
    .toBuffer();
  const decoded = await sharp(file).raw().toBuffer();
  const out = createRaster(width, height);
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < plane; i++) out.data[c * plane + i] = (decoded[3 * i + c] as number) / 255;
  }
  return out;
}
