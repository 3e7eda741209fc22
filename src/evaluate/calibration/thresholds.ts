/**
 * How sure a controller has to be: temperature and thresholds from pictures whose degradations are known.
 *
 * @module
 */
import { wordsFor } from '../../degradations/index.ts';
import type { Calibration } from '../../models/calibration.ts';

/** What a network said of one picture, before any calibration, and what is true. */
export interface Judgement {
  /** 0..1. */
  readonly probability: number;
  readonly present: boolean;
  /** Neither there nor plainly absent, such as noise that a file's losses leave: counts for neither. */
  readonly unclear?: boolean;
}

/** A judgement with the strength that the network estimates, 0..1: what is too weak to be seen is never found. */
export interface Sighting extends Judgement {
  readonly strength: number;
}

/** Share of the pictures that may have something removed that they do not have: each degradation may err in its part of it. */
export const FALSE_RATE = 0.01;
/** What of its part a degradation gets whose false removal is drastic. */
const DRASTIC = 0.5;
/** Share of the pictures without a degradation in which it may be mentioned. */
const MENTION_RATE = 0.05;
/** Nothing is removed that is less likely than this, however rare false findings were among the pictures at hand. */
const LEAST = 0.9;
const LEAST_MENTION = 0.25;
/** A threshold of 1 could not be reached. */
const MOST = 0.9999;

const EDGE = 1e-7;
const logit = (p: number): number => {
  const inside = Math.min(1 - EDGE, Math.max(EDGE, p));
  return Math.log(inside / (1 - inside));
};

/** p = 1 / (1 + e^(-logit / T)). */
export const calibrated = (p: number, temperature: number): number => 1 / (1 + Math.exp(-logit(p) / temperature));

/** Mean negative log-likelihood of the truth. */
function surprise(judgements: readonly Judgement[], temperature: number): number {
  const sum = judgements.reduce((total, { probability, present }) => {
    const p = calibrated(probability, temperature);
    return total - Math.log(Math.max(EDGE, present ? p : 1 - p));
  }, 0);
  return sum / judgements.length;
}

/** The temperature of 0.5..5 that makes the truth most likely (Guo et al. 2017), to two digits. */
export function fitTemperature(judgements: readonly Judgement[]): number {
  let best = 1;
  for (let step = 0; step <= 90; step++) {
    const temperature = 0.5 + 0.05 * step;
    if (surprise(judgements, temperature) < surprise(judgements, best)) best = temperature;
  }
  return Math.round(100 * best) / 100;
}

/** The least value that at most a share of the values reach. */
export function thresholdFor(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => b - a);
  const allowed = Math.floor(share * sorted.length);
  const limit = sorted[allowed] ?? 0;
  // Just above the largest one that may not be reached.
  return limit + 1e-4;
}

/**
 * Calibration of one degradation; pictures on both sides are needed.
 *
 * @param degradations how many the model tells apart
 */
export function calibrate(all: readonly Sighting[], name = '', degradations = 1): Calibration {
  const judgements = all.filter(({ unclear }) => unclear !== true);
  const temperature = fitTemperature(judgements);
  const { leastFound = LEAST, leastStrength = 0, drastic = false } = wordsFor(name);
  const judged = judgements.map(({ probability, strength, present }) => {
    const p = calibrated(probability, temperature);
    // What is weaker cannot be found, however sure it is.
    return { present, probability: p, reached: strength >= leastStrength ? p : 0 };
  });
  const absent = judged.filter(({ present }) => !present);
  const there = judged.filter(({ present }) => present);
  if (absent.length === 0 || there.length === 0) {
    throw new RangeError(`expected pictures with and without it, received ${there.length} and ${absent.length}`);
  }
  const limit = (values: readonly number[], share: number, least: number) =>
    Math.min(MOST, Math.max(least, thresholdFor(values, share)));
  const reached = (some: typeof judged) => some.map((one) => one.reached);
  const part = (drastic ? DRASTIC : 1) / degradations;
  const found = limit(reached(absent), FALSE_RATE * part, leastFound);
  const mentioned = absent.map(({ probability }) => probability);
  const share = (some: typeof judged) => reached(some).filter((value) => value >= found).length / some.length;
  const round = (value: number) => Math.round(10_000 * value) / 10_000;
  return {
    temperature,
    found: round(found),
    perhaps: round(Math.min(found, limit(mentioned, MENTION_RATE, LEAST_MENTION))),
    ...(leastStrength > 0 && { leastStrength }),
    falseRate: round(share(absent)),
    missedRate: round(1 - share(there)),
  };
}
