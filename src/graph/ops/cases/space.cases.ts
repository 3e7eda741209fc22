import { type NdArray, read, tabulate } from '../../../../test/support/ndarray.ts';
import { type OpCases, type Reference, values } from './case.cases.ts';

type Four = readonly [number, number, number, number];

/** y[n,c,y,x] = x[n, c b^2 + (y mod b) b + x mod b, y / b, x / b], as PyTorch's PixelShuffle. */
const shuffle =
  (block: number): Reference =>
  (x: NdArray) => {
    const [n, channels, height, width] = x.shape as unknown as Four;
    return tabulate([n, channels / block ** 2, height * block, width * block], (index) => {
      const [image, c, row, column] = index as unknown as Four;
      const channel = c * block ** 2 + (row % block) * block + (column % block);
      return read(x, [image, channel, Math.floor(row / block), Math.floor(column / block)]);
    });
  };

/** The same places read the other way. */
const unshuffle =
  (block: number): Reference =>
  (x: NdArray) => {
    const [n, channels, height, width] = x.shape as unknown as Four;
    return tabulate([n, channels * block ** 2, height / block, width / block], (index) => {
      const [image, c, row, column] = index as unknown as Four;
      const within = c % block ** 2;
      const place = [row * block + Math.floor(within / block), column * block + (within % block)];
      return read(x, [image, Math.floor(c / block ** 2), ...place]);
    });
  };

const repeat =
  (scale: number): Reference =>
  (x: NdArray) => {
    const [n, channels, height, width] = x.shape as unknown as Four;
    return tabulate([n, channels, height * scale, width * scale], (index) => {
      const [image, c, row, column] = index as unknown as Four;
      return read(x, [image, c, Math.floor(row / scale), Math.floor(column / scale)]);
    });
  };

export const spaceCases: { readonly [K in 'depthToSpace' | 'spaceToDepth' | 'upsampleNearest']: OpCases<K> } = {
  depthToSpace: [
    { name: 'by 2', inputs: [values([2, 8, 2, 3])], attributes: { block: 2 }, reference: shuffle(2) },
    { name: 'by 3', inputs: [values([1, 9, 2, 1])], attributes: { block: 3 }, reference: shuffle(3) },
    { name: 'by 1', inputs: [values([1, 2, 2, 3])], attributes: { block: 1 }, reference: shuffle(1) },
  ],
  spaceToDepth: [
    { name: 'by 2', inputs: [values([2, 3, 4, 6])], attributes: { block: 2 }, reference: unshuffle(2) },
    { name: 'by 3', inputs: [values([1, 2, 3, 6])], attributes: { block: 3 }, reference: unshuffle(3) },
    { name: 'by 1', inputs: [values([1, 2, 2, 3])], attributes: { block: 1 }, reference: unshuffle(1) },
  ],
  upsampleNearest: [
    { name: 'by 2', inputs: [values([2, 3, 2, 3])], attributes: { scale: 2 }, reference: repeat(2) },
    { name: 'by 3', inputs: [values([1, 2, 3, 2])], attributes: { scale: 3 }, reference: repeat(3) },
    { name: 'by 1', inputs: [values([1, 2, 2, 3])], attributes: { scale: 1 }, reference: repeat(1) },
  ],
};
