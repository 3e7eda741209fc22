import { describe, expect, it } from 'vitest';
import { type Bytes, model, node, PICTURE, RESULT, value } from '../../../test/support/onnx-bytes.ts';
import { understandOnnx } from './understand.ts';

const refusal = (...parts: readonly Bytes[]) => {
  try {
    understandOnnx(model(...parts), [], 'x', 'model x.onnx');
  } catch (error) {
    return error;
  }
  throw new Error('expected it to be refused');
};
const sum = node('Add', ['x', 'z'], 'y');

describe('a network that is not understood', () => {
  it('has a second picture in the place of a noise level', () => {
    expect(refusal(PICTURE, value(11, 'z', [1, 3, 'h', 'w']), RESULT, sum)).toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(
        /a noise level of one channel if there is one, received "z" float32 \[1, 3, \?, \?\]$/,
      ),
    });
    const told = model(PICTURE, value(11, 'z', [1, 1, 'h', 'w']), RESULT, sum);
    expect(understandOnnx(told, [], 'x', 'model x.onnx').reading.noise).toMatchObject({ form: 'map', name: 'z' });
  });

  it('takes pictures of numbers that are not read', () => {
    const wide = (number: number, name: string) => value(number, name, [1, 3, 'h', 'w'], 11);
    expect(refusal(wide(11, 'x'), wide(12, 'y'), node('Neg', ['x'], 'y'))).toMatchObject({
      message: expect.stringMatching(/a picture of float32, float16 or uint8, received "x" float64 \[1, 3, \?, \?\]$/),
    });
  });
});
