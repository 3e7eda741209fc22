/**
 * The one operation that every formula of the diffusion is made of.
 *
 * @module
 */

/** One number per named picture: `{ x: 0.9, mu: 0.1 }` stands for 0.9 x + 0.1 mu. */
export type Weights<Name extends string> = Readonly<Record<Name, number>>;

/**
 * sum over names of weights[name] * pictures[name], element by element. All pictures have one length. A new array, but for a
 * picture that counts once and alone: that is given back as it is, as nobody writes into states and estimates.
 * Pictures are finite. Sums are float64 and rounded to float32 once, because the weights can be large and cancel (exp(Theta_T dt) = 1/eps).
 */
export function weightedSum<Name extends string>(
  weights: Weights<Name>,
  pictures: Readonly<Record<NoInfer<Name>, Float32Array>>,
): Float32Array {
  const all = Object.keys(weights) as Name[];
  const length = pictures[all[0] as Name].length;
  // The last step of most samplers is x0_hat alone: a picture that counts for nothing need not be read.
  const names = all.filter((name) => weights[name] !== 0);
  const [first, ...rest] = names;
  if (first !== undefined && rest.length === 0 && weights[first] === 1) return pictures[first];
  const sum = new Float64Array(CHUNK);
  const result = new Float32Array(length);
  for (let start = 0; start < length; start += CHUNK) {
    const count = Math.min(CHUNK, length - start);
    sum.fill(0);
    for (const name of names) {
      const weight = weights[name];
      const picture = pictures[name];
      for (let i = 0; i < count; i++) sum[i] = (sum[i] as number) + weight * (picture[start + i] as number);
    }
    for (let i = 0; i < count; i++) result[start + i] = sum[i] as number;
  }
  return result;
}

/** Elements whose float64 sums are held at once: small enough to stay in the processor's first cache. */
const CHUNK = 1024;
