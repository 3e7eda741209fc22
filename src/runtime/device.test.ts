import { expect, it } from 'vitest';
import { chooseDevice, tryDevice } from './device.ts';

it('the CPU passes its self-test', async () => {
  const report = await tryDevice('cpu');
  expect(report).toMatchObject({ usable: true, reason: '' });
  expect(report.error).toBeLessThan(1e-5);
  expect(await chooseDevice('cpu')).toBe('cpu');
});

it('a device works, or says in plain words what it lacks', async () => {
  for (const device of ['webgpu', 'cuda'] as const) {
    const { usable, reason, error } = await tryDevice(device);
    if (usable) {
      expect(error).toBeLessThan(1e-3);
      continue;
    }
    expect(reason).toMatch(/docs\/gpu\.md|this build of onnxruntime-node does not have it/);
    expect(reason).not.toContain('/onnxruntime_src/');
    await expect(chooseDevice(device)).rejects.toMatchObject({
      code: 'DEVICE_UNAVAILABLE',
      message: expect.stringContaining(device),
      fix: expect.stringContaining('--device cpu'),
    });
  }
});
