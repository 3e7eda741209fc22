/**
 * Noise schedules: the rate theta_t at which the mean-reverting SDE pulls the picture towards its degraded mean.
 *
 * @module
 */

export const SCHEDULES = ['cosine', 'linear', 'constant'] as const;
export type Schedule = (typeof SCHEDULES)[number];

/** Offset that keeps the cosine schedule from starting at exactly zero (Nichol and Dhariwal 2021, arXiv 2102.09672). */
const COSINE_OFFSET = 0.008;

/**
 * theta_t for t = 0..T, a table of T + 1 positive rates. Only their ratios matter: the SDE's dt is chosen so that the
 * whole process decays to `eps`.
 *
 * - cosine: theta_t = 1 - a_{t+1}, a_i = cos^2(((i/n) + s)/(1 + s) pi/2) / cos^2(s/(1 + s) pi/2), n = T + 2, s = 0.008
 * - linear: from 1e-4 k to 2e-2 k in T + 1 equally spaced values, k = 1000/(T + 1)
 * - constant: 1
 *
 * Source: the published code of IR-SDE (Luo et al. 2023, arXiv 2301.11699), which the paper of this method keeps.
 */
export function scheduleRates(schedule: Schedule, T: number): Float64Array {
  return Float64Array.from({ length: T + 1 }, (_, t) => rates[schedule](t, T));
}

const rates: Record<Schedule, (t: number, T: number) => number> = {
  cosine: (t, T) => {
    const angle = (u: number) => ((u + COSINE_OFFSET) / (1 + COSINE_OFFSET)) * (Math.PI / 2);
    return 1 - (Math.cos(angle((t + 1) / (T + 2))) / Math.cos(angle(0))) ** 2;
  },
  linear: (t, T) => {
    const k = 1000 / (T + 1);
    return k * (1e-4 + ((2e-2 - 1e-4) * t) / T);
  },
  constant: () => 1,
};
