import { expect, it } from 'vitest';
import { runtimeFailure } from './failure.ts';

it('too little memory is said in words, with what to do, in whatever form it comes', () => {
  for (const message of [
    "Non-zero status code returned while running Conv node. Name:'/down.0/conv' Status Message: Failed to allocate memory for requested buffer of size 1610612736",
    "Non-zero status code returned while running Mul node. Name:'m' Status Message: std::bad_alloc",
    'CUDA failure 2: out of memory ; GPU=0',
    'CUDNN_STATUS_ALLOC_FAILED',
  ]) {
    const error = runtimeFailure('cpu', message);
    expect(error.message).toMatch(/^cpu: expected memory for a tile, but there is too little/);
    expect(error.message).not.toContain('node');
    expect(error.fix).toContain('smaller tile');
    expect((error.cause as Error).message).toBe(message);
  }
  expect(runtimeFailure('cpu', 'buffer of size 1610612736 bad_alloc').message).toContain('1536 MiB');
});

it('other failures keep their words', () => {
  expect(runtimeFailure('cuda', 'no such node').message).toBe('cuda: no such node');
});
