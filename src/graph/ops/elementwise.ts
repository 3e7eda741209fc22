/**
 * Elementwise operators. The derivative stands beside each rule; g is the gradient of the output y.
 *
 * @module
 */
import * as f from '../functions.ts';
import { broadcastShapes, formatShape, type Tensor, type TensorType } from '../tensor.ts';
import {
  at,
  expectCount,
  type Fail,
  type GradientRule,
  type NotDifferentiable,
  type OpRecord,
  onnxNode,
} from './record.ts';

function inferBinary(inputs: readonly Tensor[], fail: Fail): TensorType {
  expectCount(inputs, [2], fail);
  const [a, b] = [at(inputs, 0), at(inputs, 1)];
  if (a.dtype !== b.dtype) fail('b', a.dtype, b.dtype);
  const shape = broadcastShapes(a.shape, b.shape);
  if (!shape) return fail('b', `a shape that broadcasts with a ${formatShape(a.shape)}`, formatShape(b.shape));
  return { shape, dtype: a.dtype };
}

type Binary = 'add' | 'sub' | 'mul' | 'div' | 'maximum';

function binary<K extends Binary>(type: string, gradient: GradientRule<K>): OpRecord<K> {
  return {
    infer: (inputs, _, fail) => [inferBinary(inputs, fail)],
    emit: (node) => onnxNode(type, node),
    gradient,
    elementwise: true,
  };
}

type Unary =
  | 'neg'
  | 'abs'
  | 'sign'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'erf'
  | 'sigmoid'
  | 'tanh'
  | 'relu'
  | 'silu'
  | 'gelu'
  | 'sin'
  | 'cos'
  | 'hardSigmoid';

type UnaryRule = (g: Tensor, x: Tensor, y: Tensor) => Tensor;

function unary<K extends Unary>(
  type: string,
  rule: UnaryRule | NotDifferentiable,
  emit: OpRecord<K>['emit'] = (node) => onnxNode(type, node),
): OpRecord<K> {
  return {
    infer(inputs, _, fail) {
      expectCount(inputs, [1], fail);
      const x = at(inputs, 0);
      if (x.dtype !== 'float32' && x.dtype !== 'float16') fail('x', 'float32 or float16', x.dtype);
      return [{ shape: x.shape, dtype: x.dtype }];
    },
    emit,
    gradient:
      typeof rule === 'function'
        ? ({ gradient, inputs, outputs }) => [rule(gradient, at(inputs, 0), at(outputs, 0))]
        : rule,
    elementwise: true,
  };
}

/**
 * dGELU/dx = Phi(x) + x phi(x) = Phi(x) + u exp(-u^2) / sqrt(pi), u = x / sqrt(2).
 *
 * Written for few passes: the bell is a quotient (where exp(u^2) is infinite it is 0, as it should be), and Phi, which is
 * (1 + erf(u)) / 2 and lies in 0..1, is a hard sigmoid of erf(u).
 */
function geluDerivative(x: Tensor): Tensor {
  const u = f.mul(x, Math.SQRT1_2);
  const bell = f.mul(f.div(u, f.exp(f.square(u))), 1 / Math.sqrt(Math.PI));
  return f.add(bell, f.hardSigmoid(f.erf(u), 0.5, 0.5));
}

const step = { notDifferentiable: 'a step function: its derivative is zero wherever it exists' } as const;

export const elementwise: { readonly [K in Binary | Unary | 'greater' | 'where' | 'cast']: OpRecord<K> } = {
  add: binary('Add', ({ gradient: g }) => [g, g]),
  sub: binary('Sub', ({ gradient: g, wanted }) => [g, wanted[1] ? f.neg(g) : undefined]),
  mul: binary('Mul', ({ gradient: g, inputs, wanted }) => {
    const [a, b] = [at(inputs, 0), at(inputs, 1)];
    // d(a a) = 2 a da; the factor goes to g, which is often the smaller.
    if (a === b) return [f.mul(f.mul(g, 2), a), undefined];
    return [wanted[0] ? f.mul(g, b) : undefined, wanted[1] ? f.mul(g, a) : undefined];
  }),
  // d(a/b) = da / b - y db / b
  div: binary('Div', ({ gradient: g, inputs, outputs, wanted }) => {
    const scaled = f.div(g, at(inputs, 1));
    return [scaled, wanted[1] ? f.neg(f.mul(scaled, at(outputs, 0))) : undefined];
  }),
  // The larger operand takes the gradient; where they are equal, the second.
  maximum: binary('Max', ({ gradient: g, inputs }) => {
    const first = f.cast(f.greater(at(inputs, 0), at(inputs, 1)), g.dtype);
    const toFirst = f.mul(g, first);
    return [toFirst, f.sub(g, toFirst)];
  }),
  greater: {
    infer: (inputs, _, fail) => [{ ...inferBinary(inputs, fail), dtype: 'bool' }],
    emit: (node) => onnxNode('Greater', node),
    gradient: step,
  },
  neg: unary('Neg', (g) => f.neg(g)),
  abs: unary('Abs', (g, x) => f.mul(g, f.sign(x))),
  sign: unary('Sign', step),
  exp: unary('Exp', (g, _, y) => f.mul(g, y)),
  log: unary('Log', (g, x) => f.div(g, x)),
  sqrt: unary('Sqrt', (g, _, y) => f.div(f.mul(g, 0.5), y)),
  // 2 / sqrt(pi) exp(-x^2)
  erf: unary('Erf', (g, x) => f.mul(g, f.mul(f.exp(f.neg(f.mul(x, x))), 2 / Math.sqrt(Math.PI)))),
  sin: unary('Sin', (g, x) => f.mul(g, f.cos(x))),
  cos: unary('Cos', (g, x) => f.neg(f.mul(g, f.sin(x)))),
  sigmoid: unary('Sigmoid', (g, _, y) => f.mul(g, f.mul(y, f.sub(1, y)))),
  // alpha strictly between the bounds, 0 elsewhere
  hardSigmoid: {
    ...unary<'hardSigmoid'>('HardSigmoid', step),
    emit: (node) => {
      const { alpha, beta } = node.attributes;
      return onnxNode('HardSigmoid', node, { alpha: { float: alpha }, beta: { float: beta } });
    },
    gradient: ({ gradient: g, outputs, attributes: { alpha } }) => {
      const y = at(outputs, 0);
      return [f.mul(g, f.mul(f.sign(f.mul(y, f.sub(1, y))), alpha))];
    },
  },
  tanh: unary('Tanh', (g, _, y) => f.mul(g, f.sub(1, f.mul(y, y)))),
  relu: unary('Relu', (g, _, y) => f.mul(g, f.sign(y))),
  // s + y (1 - s), s = sigmoid(x)
  silu: unary(
    'Silu',
    (g, x, y) => {
      const s = f.sigmoid(x);
      return f.mul(g, f.add(s, f.mul(y, f.sub(1, s))));
    },
    (node, emitter) => {
      const [x, y] = [at(node.inputs, 0).name, at(node.outputs, 0).name];
      const gate = emitter.temporary();
      return [
        { type: 'Sigmoid', inputs: [x], outputs: [gate] },
        { type: 'Mul', inputs: [x, gate], outputs: [y] },
      ];
    },
  ),
  gelu: unary('Gelu', (g, x) => f.mul(g, geluDerivative(x))),
  where: {
    infer(inputs, _, fail) {
      expectCount(inputs, [3], fail);
      const [condition, a, b] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
      if (condition.dtype !== 'bool') fail('condition', 'bool', condition.dtype);
      const value = inferBinary([a, b], fail);
      const shape = broadcastShapes(condition.shape, value.shape);
      if (!shape)
        return fail(
          'condition',
          `a shape that broadcasts with ${formatShape(value.shape)}`,
          formatShape(condition.shape),
        );
      return [{ shape, dtype: value.dtype }];
    },
    emit: (node) => onnxNode('Where', node),
    gradient({ gradient: g, inputs }) {
      const toFirst = f.mul(g, f.cast(at(inputs, 0), g.dtype));
      return [undefined, toFirst, f.sub(g, toFirst)];
    },
    elementwise: true,
  },
  cast: {
    infer(inputs, { to }, fail) {
      expectCount(inputs, [1], fail);
      return [{ shape: at(inputs, 0).shape, dtype: to }];
    },
    emit(node) {
      // Numbers of TensorProto.DataType.
      const codes = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10 } as const;
      return onnxNode('Cast', node, { to: codes[node.attributes.to] });
    },
    gradient: ({ gradient, inputs }) => {
      const { dtype } = at(inputs, 0);
      return [dtype === 'float32' || dtype === 'float16' ? f.cast(gradient, dtype) : undefined];
    },
    elementwise: true,
  },
};
