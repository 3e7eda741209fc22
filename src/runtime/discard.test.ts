import { expect, it } from 'vitest';
import { discard } from './discard.ts';

it('empties bytes that are all of their buffer', () => {
  const bytes = Uint8Array.of(1, 2, 3);
  discard(bytes);
  expect(bytes.byteLength).toBe(0);
});

it('may be asked twice, and for what is empty', () => {
  const values = Float32Array.of(1, 2);
  discard(values);
  discard(values);
  discard(new BigInt64Array(0));
  expect(values.length).toBe(0);
});

it('leaves bytes that share their buffer', () => {
  const whole = Uint8Array.of(1, 2, 3);
  discard(whole.subarray(1));
  const shared = new Uint8Array(new SharedArrayBuffer(2));
  discard(shared);
  expect([whole.byteLength, shared.byteLength]).toEqual([3, 2]);
});
