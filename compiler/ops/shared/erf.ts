/** @file The Gauss error function in float64, which JavaScript's Math lacks. */

/** Relative error below 1e-14 (Abramowitz & Stegun 7.1.6 and, for |x| > 3, 7.1.14). */
export function erfOf(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude > 3) return Math.sign(x) * (1 - tail(magnitude));
  // erf x = 2/√π · e^(−x²) · Σ 2^k x^(2k+1) / (1·3·…·(2k+1)): all terms positive, no cancellation.
  let term = magnitude;
  let sum = term;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (2 * x * x) / (2 * k + 1);
    sum += term;
  }
  return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** erfc by its continued fraction, evaluated from the far end. */
function tail(x: number): number {
  let fraction = x;
  for (let k = 60; k >= 1; k--) fraction = x + k / 2 / fraction;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction);
}
