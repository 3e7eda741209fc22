/**
 * Which parameters Muon sees as matrices.
 *
 * @module
 */
import type { LayoutEntry, ParameterLayout } from '../../graph/parameters.ts';
import { isTrained } from '../trained-part.ts';

export interface MuonMatrix {
  readonly name: string;
  /** Place of the first value in the flat vector; rows times columns values follow, row by row. */
  readonly offset: number;
  readonly rows: number;
  readonly columns: number;
}

/** A matrix with a shorter side has too few directions for orthogonalising it to mean anything. */
const SHORTEST_SIDE = 16;

/**
 * Networks beside the one that restores. They are small and learn fast, from losses of another scale, and the measurement
 * that speaks for Muon left them to AdamW. The detector is trained alone, and profits.
 */
const OTHER_NETWORKS = /^(text\.|controller\.(?!detector\.))/;

function matrixOf({ name, shape, offset }: LayoutEntry): MuonMatrix | undefined {
  const [rows = 0, inputs = 0, ...kernel] = shape;
  // Gains, biases and tables of embeddings have other names; vectors have one dimension.
  const isWeight = /(^|\.)weight$/.test(name) && (shape.length === 2 || shape.length === 4);
  // The kernels [C,1,k,k] of a depthwise convolution act on a channel each: together they are no linear map.
  const isDepthwise = shape.length === 4 && inputs === 1;
  if (!isWeight || isDepthwise || OTHER_NETWORKS.test(name)) return undefined;
  const columns = kernel.reduce((product, side) => product * side, inputs);
  return Math.min(rows, columns) >= SHORTEST_SIDE ? { name, offset, rows, columns } : undefined;
}

/**
 * Weights [O,I] and [O,I,k,k] of the network's linear layers and convolutions, as matrices of O rows and I k k columns, in the
 * order of the layout. Not depthwise kernels, biases, norms, gains, nor anything of the text encoder and the controller but its
 * detector, nor what is not trained.
 */
export function muonMatrices(layout: ParameterLayout, only?: readonly string[] | undefined): MuonMatrix[] {
  return layout.entries.flatMap((entry) => (isTrained(only, entry.name) ? (matrixOf(entry) ?? []) : []));
}
