/**
 * The experiments by the kind of their configuration.
 *
 * @module
 */
import { compare } from './comparison.ts';
import type { ExperimentConfig } from './config.ts';
import { testController } from './controller.ts';
import type { ExperimentContext, Outcome } from './outcome.ts';
import { testPhotographs } from './photographs.ts';
import { comparePrompts } from './prompts.ts';
import { sweepSteps } from './steps.ts';

export function runExperiment(config: ExperimentConfig, context: ExperimentContext): Promise<Outcome> {
  switch (config.kind) {
    case 'comparison':
      return compare(config, context);
    case 'steps':
      return sweepSteps(config, context);
    case 'prompts':
      return comparePrompts(config, context);
    case 'photographs':
      return testPhotographs(config, context);
    case 'controller':
      return testController(config, context);
  }
}
