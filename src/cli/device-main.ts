/**
 * A process that tries one device and tells what it found; see doctor.ts.
 *
 * @module
 */
import { tryDevice } from '../runtime/device.ts';
import { DEVICES } from '../runtime/protocol.ts';

const device = DEVICES.find((name) => name === process.argv[2]);
if (device === undefined) throw new Error(`expected a device, received ${process.argv[2]}`);
const report = await tryDevice(device);
process.send?.(report, () => process.exit());
