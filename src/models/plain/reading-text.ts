/**
 * A reading in words.
 *
 * @module
 */
import { type Reading, usualScale } from './reading.ts';

/** For provenance: what decides the result beside the weights. */
export function readingText({
  layout,
  channels,
  range,
  outputRange,
  mean,
  std,
  residual,
  normalisedOutput,
  noise,
  tiling,
}: Reading): string {
  const plain = mean.every((value) => value === 0) && std.every((value) => value === 1);
  return [
    layout,
    channels,
    range,
    ...(outputRange === range ? [] : [`output ${outputRange}`]),
    ...(plain ? [] : [`mean ${mean.join('/')}`, `std ${std.join('/')}`]),
    ...(plain || normalisedOutput ? [] : ['in the input alone']),
    ...(residual === 'none' ? [] : [`residual ${residual}`]),
    ...(noise === undefined ? [] : [`noise level ${noise.level} unless told`]),
    ...(noise === undefined || noise.scale === usualScale(range) ? [] : [`noise scale ${noise.scale}`]),
    `multiple ${tiling.multiple}`,
    `halo ${tiling.halo}`,
  ].join(', ');
}
