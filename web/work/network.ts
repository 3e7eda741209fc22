/**
 * Taking another network, and going back to the page's own model.
 *
 * @module
 */
import { batch } from '@preact/signals';
import { chooseNetwork, chooseOwn } from '../compute/device.ts';
import { dispatch } from '../state/store.ts';
import { fail, say } from './failures.ts';
import { look, stopLooking } from './open.ts';

/** Restores with this ONNX file from now on; undefined: with the page's own model. What does not load changes nothing. */
export async function useNetwork(file: File | undefined): Promise<void> {
  stopLooking();
  dispatch({ type: 'set', values: { failure: undefined } });
  try {
    if (file === undefined) chooseOwn();
    const model = file && (await chooseNetwork(file, (loading) => dispatch({ type: 'set', values: { loading } })));
    batch(() => {
      dispatch({ type: 'set', values: { model, expected: undefined } });
      say(model === undefined ? 'Restoring with Clearword’s own model.' : `Restoring with the network ${model.name}.`);
    });
  } catch (error) {
    fail(error);
  } finally {
    dispatch({ type: 'set', values: { loading: undefined } });
  }
  await look();
}
