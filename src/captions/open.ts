/**
 * The captioner that options and environment ask for.
 *
 * @module
 */
import { ClearwordError } from '../errors.ts';
import type { Captioner } from './captioner.ts';
import { EndpointCaptioner } from './endpoint.ts';
import { LocalCaptioner, type LocalOptions } from './local.ts';

export interface CaptionerOptions {
  /** Base address of a service with OpenAI's chat interface. Default: CLEARWORD_CAPTION_ENDPOINT; without one, this machine. */
  readonly endpoint?: string | undefined;
  /** Name of the model. Default: CLEARWORD_CAPTION_MODEL. */
  readonly model?: string | undefined;
  /** What the model is asked. Default: CLEARWORD_CAPTION_PROMPT, or a question of our own. */
  readonly prompt?: string | undefined;
  readonly tries?: number | undefined;
  readonly precision?: LocalOptions['precision'];
  /** Ends the loading of a model on this machine. */
  readonly signal?: AbortSignal | undefined;
}

interface Environment {
  readonly CLEARWORD_CAPTION_ENDPOINT?: string | undefined;
  readonly CLEARWORD_CAPTION_MODEL?: string | undefined;
  readonly CLEARWORD_CAPTION_PROMPT?: string | undefined;
  /** Bearer token of the service; not an option, because other users of a machine can read command lines. */
  readonly CLEARWORD_CAPTION_KEY?: string | undefined;
}

/** Whether anything says which captioner to use. */
export function isConfigured({ endpoint, model }: CaptionerOptions, environment: Environment = process.env): boolean {
  return Boolean(endpoint || model || environment.CLEARWORD_CAPTION_ENDPOINT || environment.CLEARWORD_CAPTION_MODEL);
}

/** @throws ClearwordError INVALID_OPTION, PACKAGE_MISSING, CAPTION_FAILED, CANCELLED */
export async function openCaptioner(
  options: CaptionerOptions,
  environment: Environment = process.env,
): Promise<Captioner> {
  // An empty variable is how shells unset one for a single command.
  const url = options.endpoint || environment.CLEARWORD_CAPTION_ENDPOINT || undefined;
  const model = options.model || environment.CLEARWORD_CAPTION_MODEL || undefined;
  const prompt = options.prompt || environment.CLEARWORD_CAPTION_PROMPT || undefined;
  const { tries, precision, signal } = options;
  if (url === undefined) return LocalCaptioner.open({ model, prompt, precision, signal });
  if (model === undefined) {
    throw new ClearwordError('INVALID_OPTION', `expected the name of a model at ${url}, received none`, {
      fix: 'Give it with --model, or with --caption-model of restore.',
    });
  }
  return new EndpointCaptioner({ url, model, prompt, tries, key: environment.CLEARWORD_CAPTION_KEY });
}
