/**
 * Small pictures for reports.
 *
 * @module
 */
import { join } from 'node:path';
import sharp from 'sharp';
import { writeFileAtomic } from '../../atomic-file.ts';
import { toBytes } from '../../image/picture.ts';
import type { Raster } from '../../image/raster.ts';
import { cutCentre } from '../resize.ts';

/** Largest preview: the middle of the picture, pixel for pixel, because a smaller scale would hide noise. */
const WIDTH = 480;
const HEIGHT = 360;

export interface PreviewPictures {
  readonly before?: Raster;
  readonly after: Raster;
  readonly target: Raster;
}

/** Names below the folder. */
export interface PreviewFiles {
  readonly before?: string;
  readonly after: string;
  readonly target: string;
}

/** Writes WebP previews into `folder/previews`. */
export async function savePreviews(folder: string, name: string, pictures: PreviewPictures): Promise<PreviewFiles> {
  const save = async (kind: keyof PreviewPictures, picture: Raster): Promise<string> => {
    const { data, width, height } = toBytes(cutCentre(picture, WIDTH, HEIGHT));
    const bytes = await sharp(data, { raw: { width, height, channels: 3 } })
      .webp({ quality: 80 })
      .toBuffer();
    const file = join('previews', `${name}-${kind}.webp`);
    await writeFileAtomic(join(folder, file), bytes, { overwrite: true });
    return file;
  };
  const [before, after, target] = await Promise.all([
    pictures.before && save('before', pictures.before),
    save('after', pictures.after),
    save('target', pictures.target),
  ]);
  return { ...(before !== undefined && { before }), after, target };
}
