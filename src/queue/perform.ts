/**
 * Doing one job: picture out of the store, results into it.
 *
 * @module
 */
import type { Clearword } from '../clearword.ts';
import { ClearwordError } from '../errors.ts';
import type { ImageFormat } from '../image/image-signature.ts';
import { identityOf } from '../models/identity.ts';
import { reportDecision } from '../restore/policy.ts';
import type { RestoredImage } from '../restore/restored-image.ts';
import type { RestoreResult } from '../restore/result.ts';
import { getExisting, type ObjectStore } from '../store/object-store.ts';
import {
  inputKey,
  type JobRequest,
  type JobResult,
  jobPrefix,
  type RestorationRequest,
  type ResultFile,
} from './job.ts';
import type { JobHooks } from './job-queue.ts';

/**
 * Performs a job. Doing it again, also at the same time elsewhere, writes the same bytes under the same keys.
 *
 * Errors: those of `Clearword.restore` and `inspect`, STORE_FAILED, MODEL_MISMATCH.
 */
export async function performJob(
  clearword: Clearword,
  store: ObjectStore,
  request: JobRequest,
  { signal, onProgress }: JobHooks,
): Promise<JobResult> {
  const { name, reading } = clearword.model;
  const identity = identityOf(clearword.model);
  if (request.model !== undefined && request.model !== identity) {
    const received = `${name} ${identity.slice(0, 12)}${reading === undefined ? '' : `, read as ${reading}`}`;
    throw new ClearwordError(
      'MODEL_MISMATCH',
      `expected the model ${request.model.slice(0, 12)}, received ${received}`,
    );
  }
  const { maxMegapixels } = request.limits;
  const input = await getExisting(store, inputKey(request.id));
  const started = performance.now();
  const seconds = () => Math.round(performance.now() - started) / 1000;
  if (request.kind === 'inspection') {
    const { degradations } = await clearword.inspect(input, { maxMegapixels, signal });
    return { degradations, seconds: seconds(), files: [] };
  }
  const { parameters, format } = request;
  const result = await clearword.restore(input, { ...parameters, maxMegapixels, format, signal, onProgress });
  const files = await writeResults(result, store, request);
  const { width, height, provenance, findings, decision } = result;
  const told = reportDecision(decision);
  return { ...told, degradations: findings.degradations, seconds: seconds(), width, height, provenance, files };
}

async function writeResults(
  result: RestoreResult,
  store: ObjectStore,
  { id, format, quality }: RestorationRequest,
): Promise<ResultFile[]> {
  const write = async (part: string, image: RestoredImage, as: ImageFormat): Promise<ResultFile> => {
    const key = `${jobPrefix(id)}${part}`;
    const data = await image.toBuffer({ format: as, ...(quality !== undefined && { quality }) });
    await store.put(key, data);
    return { part, key, format: as, bytes: data.length };
  };
  const files = [await write('restored', result, format)];
  for (const [k, sample] of result.samples.entries()) files.push(await write(`sample-${k + 1}`, sample, format));
  // Without losses where values have a meaning.
  if (result.uncertainty) {
    const { image, scale } = result.uncertainty;
    files.push({ ...(await write('uncertainty', image, 'png')), scale });
  }
  if (result.comparison) files.push(await write('comparison', result.comparison, format));
  if (result.states) {
    const { image, times } = result.states;
    files.push({ ...(await write('states', image, 'png')), times });
  }
  return files;
}
