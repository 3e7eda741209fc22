/**
 * Softmax and layer normalisation.
 *
 * @module
 */
import * as f from '../functions.ts';
import { dim, formatShape } from '../tensor.ts';
import { at, expectCount, type OpRecord, onnxNode } from './record.ts';
import { sumOfRows, sumOver } from './sums.ts';

type Softmax = 'softmax' | 'logSoftmax';

function softmaxRecord<K extends Softmax>(type: string, gradient: OpRecord<K>['gradient']): OpRecord<K> {
  return {
    infer(inputs, { axis }, fail) {
      expectCount(inputs, [1], fail);
      const x = at(inputs, 0);
      if (axis < 0 || axis >= x.shape.length) fail('axis', `0..${x.shape.length - 1}`, `${axis}`);
      return [{ shape: x.shape, dtype: x.dtype }];
    },
    emit: (node) => onnxNode(type, node, { axis: node.attributes.axis }),
    gradient,
  };
}

export const normalisation: { readonly [K in Softmax | 'layerNorm']: OpRecord<K> } = {
  // dx = y (g - sum(g y))
  softmax: softmaxRecord('Softmax', ({ gradient: g, outputs, attributes: { axis } }) => {
    const y = at(outputs, 0);
    const weighted = f.mul(g, y);
    return [f.sub(weighted, f.mul(y, f.reduceSum(weighted, [axis], true)))];
  }),
  // dx = g - softmax(x) sum(g)
  logSoftmax: softmaxRecord('LogSoftmax', ({ gradient: g, outputs, attributes: { axis } }) => [
    f.sub(g, f.mul(f.exp(at(outputs, 0)), f.reduceSum(g, [axis], true))),
  ]),
  /** Outputs: y, and the mean and inverse deviation of each row ([...,1]), which the gradient needs. */
  layerNorm: {
    infer(inputs, _, fail) {
      expectCount(inputs, [3], fail);
      const [x, scale, bias] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
      if (x.shape.length === 0) fail('x', 'rank 1 or more', formatShape(x.shape));
      const features = formatShape([dim(x.shape, -1)]);
      for (const [name, tensor] of Object.entries({ scale, bias })) {
        if (formatShape(tensor.shape) !== features) fail(name, features, formatShape(tensor.shape));
        if (tensor.dtype !== x.dtype) fail(name, x.dtype, tensor.dtype);
      }
      const statistics = { shape: [...x.shape.slice(0, -1), 1], dtype: x.dtype };
      return [{ shape: x.shape, dtype: x.dtype }, statistics, statistics];
    },
    emit: (node) => onnxNode('LayerNormalization', node, { axis: -1, epsilon: { float: node.attributes.epsilon } }),
    // With c = x - mean and h = g scale: dx = r (h - mean(h) - c r^2 mean(h c)), dscale = sum(r g c), dbias = sum(g).
    // Of the statistics over n features: dmean/dx = 1 / n, dr/dx = -r^3 c / n.
    gradient({ gradient: g, gradients: [, gMean, gR], inputs, outputs, wanted }) {
      const [x, scale, r] = [at(inputs, 0), at(inputs, 1), at(outputs, 2)];
      const n = dim(x.shape, -1);
      const leading = x.shape.slice(0, -1).map((_, axis) => axis);
      const c = f.sub(x, at(outputs, 1));
      const product = f.mul(g, c);
      const toInput = () => {
        const h = f.mul(g, scale);
        // sum(h c) as a product with the scale: no second tensor of full size.
        const along = f.matMul(f.reshape(product, [-1, n]), f.reshape(scale, [n, 1]));
        let slope = f.mul(f.reshape(along, r.shape), f.mul(f.square(r), 1 / n));
        if (gR) slope = f.add(slope, f.mul(f.mul(gR, f.square(r)), 1 / n));
        const dx = f.mul(f.sub(f.sub(h, f.reduceMean(h, [-1], true)), f.mul(c, slope)), r);
        return gMean ? f.add(dx, f.div(gMean, n)) : dx;
      };
      return [
        wanted[0] ? toInput() : undefined,
        wanted[1] ? f.reshape(sumOfRows(product, r), [n]) : undefined,
        wanted[2] ? f.reshape(sumOver(g, leading), [n]) : undefined,
      ];
    },
  },
};
