import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostTensors } from '../../runtime/protocol.ts';
import { type Answer, AnswerReader, encodeMessage } from './messages.ts';

const tensors: HostTensors = {
  floats: { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1.5, Number.NaN, -0, 3e-41) },
  numbers: { dtype: 'int64', shape: [2], data: BigInt64Array.of(-1n, 2n ** 62n) },
  none: { dtype: 'float32', shape: [0], data: new Float32Array() },
  bytes: { dtype: 'uint8', shape: [3], data: Uint8Array.of(0, 255, 7) },
};

const message = (id: number) => Buffer.concat(encodeMessage({ id, busy: 2.5 }, tensors));

describe('messages', () => {
  it('come back as they were, however the pipe cuts them', () => {
    const stream = Buffer.concat([message(1), Buffer.concat(encodeMessage({ id: 2 }, {})), message(3)]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }), (sizes) => {
        const reader = new AnswerReader();
        const answers: Answer[] = [];
        for (let start = 0, i = 0; start < stream.length; i++) {
          const size = sizes[i % sizes.length] ?? 1;
          answers.push(...reader.push(stream.subarray(start, start + size)));
          start += size;
        }
        expect(answers.map(({ id }) => id)).toEqual([1, 2, 3]);
        expect(answers[1]?.tensors).toEqual({});
        for (const answer of [answers[0], answers[2]]) expect(answer).toMatchObject({ busy: 2.5, tensors });
      }),
    );
  });

  it('of another kind are refused with what came', () => {
    const text = Buffer.from('{"id": "one"}');
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    expect(() => new AnswerReader().push(Buffer.concat([length, text]))).toThrow('received {"id": "one"}');
  });
});
