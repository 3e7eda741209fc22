/**
 * Values that the data configuration is made of.
 *
 * @module
 */
import { z } from 'zod';

export const share = z.number().min(0).max(1);
export const weight = z.number().min(0);

/** A closed range [low, high] within bounds. */
export const range = (least: number, most: number) =>
  z
    .tuple([z.number().min(least).max(most), z.number().min(least).max(most)])
    .refine(([low, high]) => low <= high, { message: 'expected [low, high] with low <= high' });
