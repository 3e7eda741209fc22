/**
 * Softmax and layer normalisation.
 *
 * @module
 */
import * as f from '../functions.ts';
import { dim, formatShape } from '../tensor.ts';
import { at, expectCount, type OpRecord, onnxNode } from './record.ts';

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
    // With v = (x - mean) r and h = g scale: dx = r (h - mean(h) - v mean(h v)), dscale = sum(g v), dbias = sum(g).
    // Of the statistics over n features: dmean/dx = 1 / n, dr/dx = -r^2 v / n.
    gradient({ gradient: g, gradients: [, gMean, gR], inputs, outputs, wanted }) {
      const [x, scale] = [at(inputs, 0), at(inputs, 1)];
      const r = at(outputs, 2);
      const v = f.mul(f.sub(x, at(outputs, 1)), r);
      const leading = x.shape.slice(0, -1).map((_, axis) => axis);
      const h = f.mul(g, scale);
      const centred = () =>
        f.sub(f.sub(h, f.reduceMean(h, [-1], true)), f.mul(v, f.reduceMean(f.mul(h, v), [-1], true)));
      const toInput = () => {
        let dx = f.mul(centred(), r);
        if (gMean) dx = f.add(dx, f.div(gMean, dim(x.shape, -1)));
        return gR ? f.sub(dx, f.mul(v, f.div(f.mul(gR, f.square(r)), dim(x.shape, -1)))) : dx;
      };
      return [
        wanted[0] ? toInput() : undefined,
        wanted[1] ? f.reduceSum(f.mul(g, v), leading) : undefined,
        wanted[2] ? f.reduceSum(g, leading) : undefined,
      ];
    },
  },
};
