/**
 * A preset's networks as inference graphs. Parameters become initialisers, which lets the runtime choose blocked layouts.
 *
 * @module
 */

import { DEGRADATIONS } from '../degradations/index.ts';
import * as f from '../graph/functions.ts';
import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import { COMBINATION_TEXTS, combinationLogits, controllerHead, controllerStatistics, marginals } from './controller.ts';
import { erunet } from './erunet.ts';
import type { ControllerConfig, Preset, TextEncoderConfig } from './preset-schema.ts';
import { textEncoder, textInputs } from './text-encoder.ts';

/** `prompt.*` -> `embedding` [1,context]. */
export function textGraph(graph: Graph, config: TextEncoderConfig, context: number): void {
  const inputs = textInputs(graph, 'prompt', 1, config);
  const { embedding, intent } = textEncoder(inputs, config, { out: context, degradations: DEGRADATIONS.length });
  graph.output('embedding', embedding);
  graph.output('intent', f.sigmoid(intent));
}

/** `pictures` [n,3,tile,tile] -> `statistics` [n,F]. */
export function statisticsGraph(graph: Graph, config: ControllerConfig, n: number): void {
  graph.output('statistics', controllerStatistics(graph.input('pictures', [n, 3, config.tile, config.tile]), config));
}

/** `statistics` [1,F] and the names' `texts` [8,context] -> `embedding`, `probability` and `strength`. */
export function findingsGraph(graph: Graph, config: ControllerConfig, context: number): void {
  const features = 2 * (config.widths.at(-1) ?? 0);
  const { embedding, strength } = controllerHead(graph.input('statistics', [1, features]), context);
  const texts = graph.input('texts', [COMBINATION_TEXTS.length, context]);
  graph.output('embedding', embedding);
  graph.output('probability', marginals(combinationLogits(embedding, texts)));
  graph.output('strength', strength);
}

/** `x`, `mu` [1,3,H,W], `t` [1], `text`, `degradation` [1,context] -> `prediction`: eps_hat, or x0_hat. */
export function predictionGraph(graph: Graph, preset: Preset, height: number, width: number): void {
  const shape = [1, 3, height, width];
  const [x, mu] = [graph.input('x', shape), graph.input('mu', shape)];
  const embedding = (name: string): Tensor => graph.input(name, [1, preset.fusion.context]);
  const inputs = { x, mu, t: graph.input('t', [1]), text: embedding('text'), degradation: embedding('degradation') };
  const raw = erunet(inputs, preset.network, preset.fusion);
  graph.output('prediction', preset.parameterisation === 'data' ? f.add(raw, mu) : raw);
}
