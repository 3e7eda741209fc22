/**
 * A preset's networks as inference graphs. Parameters become initialisers, which lets the runtime choose blocked layouts.
 *
 * @module
 */

import * as f from '../graph/functions.ts';
import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import { controllerHead, controllerStatistics, controllerView, statisticsSizes } from './controller.ts';
import { erunet } from './erunet.ts';
import { labellingOf, labelsLogits } from './labels.ts';
import type { ControllerConfig, Preset } from './preset-schema.ts';
import { textEncoder, textInputs } from './text-encoder.ts';

/** A preset with encoders of its own. */
export type OwnPreset = Preset & { readonly encoders: NonNullable<Preset['encoders']> };

export const hasOwnEncoders = (preset: Preset): preset is OwnPreset => preset.encoders !== undefined;

/** `prompt.*` -> `embedding` [1,context], and what the text asks to remove, `intent` [1,D]. */
export function textGraph(graph: Graph, { encoders, fusion, degradations }: OwnPreset): void {
  const inputs = textInputs(graph, 'prompt', 1, encoders.text);
  const { embedding, intent } = textEncoder(inputs, encoders.text, {
    out: fusion.context,
    degradations: degradations.length,
  });
  graph.output('embedding', embedding);
  graph.output('intent', f.sigmoid(intent));
}

/** `pictures` [n,3,tile,tile] -> `statistics` [n,F]. */
export function statisticsGraph(graph: Graph, config: ControllerConfig, n: number): void {
  graph.output('statistics', controllerStatistics(graph.input('pictures', [n, 3, config.tile, config.tile]), config));
}

/** `view` [1,3,side,side] -> `statistics` [1,F] and `tokens` [1,S,context]. */
export function viewGraph(
  graph: Graph,
  { side, widths }: NonNullable<ControllerConfig['view']>,
  context: number,
): void {
  const { statistics, tokens } = controllerView(graph.input('view', [1, 3, side, side]), widths, context);
  graph.output('statistics', statistics);
  graph.output('tokens', tokens);
}

/**
 * `close` and, where the whole picture is looked at, `view` (statistics [1,F] each), and the labels' `texts` [L,context] ->
 * `embedding`, `probability` and `strength`.
 */
export function findingsGraph(graph: Graph, { encoders, fusion, degradations }: OwnPreset): void {
  const { controller } = encoders;
  const sizes = statisticsSizes(controller);
  const close = graph.input('close', [1, sizes.close]);
  const views = controller.view ? [graph.input('view', [1, sizes.view])] : [];
  const labelling = labellingOf(controller);
  const texts = graph.input('texts', [labelling.texts(degradations).length, fusion.context]);
  const found = controllerHead([close, ...views], controller, {
    out: fusion.context,
    degradations: degradations.length,
  });
  const logits = labelsLogits(found, texts, controller);
  graph.output('embedding', found.embedding);
  graph.output('probability', labelling.probabilities(logits, degradations.length));
  graph.output('strength', found.strength);
}

/** Places of the map that a view becomes: the tokens S. */
export function viewTokens({ side, widths }: NonNullable<ControllerConfig['view']>): number {
  return (side / 2 ** widths.length) ** 2;
}

/** What the prediction takes beside pictures and step, with shapes [1,...]. */
export function guidanceShapes({
  network,
  fusion,
  degradations,
  encoders,
}: Preset): Readonly<Record<string, number[]>> {
  const { context, strengths } = fusion;
  const view = encoders?.controller.view;
  const looks = network.middle === 'view' || network.attention.includes('view');
  return {
    text: [1, context],
    degradation: [1, context],
    ...(strengths ? { told: [1, 2 * degradations.length] } : {}),
    ...(view && looks ? { view: [1, viewTokens(view), context] } : {}),
  };
}

/** `x`, `mu` [1,3,H,W], `t` [1], and {@link guidanceShapes} -> `prediction`: eps_hat, or x0_hat. */
export function predictionGraph(graph: Graph, preset: Preset, height: number, width: number): void {
  const shape = [1, 3, height, width];
  const [x, mu] = [graph.input('x', shape), graph.input('mu', shape)];
  const t = graph.input('t', [1]);
  const guidance = Object.fromEntries(
    Object.entries(guidanceShapes(preset)).map(([name, of]) => [name, graph.input(name, of)]),
  ) as { text: Tensor; degradation: Tensor; told?: Tensor; view?: Tensor };
  const raw = erunet({ x, mu, t, ...guidance }, preset.network, preset.fusion);
  graph.output('prediction', preset.parameterisation === 'data' ? f.add(raw, mu) : raw);
}
