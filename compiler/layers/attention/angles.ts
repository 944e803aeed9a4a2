/** @file Positions as angles: sinusoidal encodings and rotations. */
import type { Value } from "../../ir/types.js";
import { shapeOf } from "../../ir/types.js";
import type { Builder } from "../../ops/define-op.js";

/** Wavelengths go from 2π to this times 2π (Vaswani et al. 2017, section 3.5). */
const longest = 10_000;

/** Radians per step of pair `i` out of `size / 2`. */
const speed = (i: number, size: number): number => longest ** ((-2 * i) / size);

const numbers = (b: Builder, value: readonly number[], shape: readonly number[]): Value =>
  b.constant({ dtype: "f32", shape, value });

const times = (b: Builder, steps: number): Value =>
  numbers(
    b,
    Array.from({ length: steps }, (_, t) => t),
    [steps, 1],
  );

/**
 * `[steps, size]`: sin(t·speed(i)) in place 2i and cos(t·speed(i)) in place 2i + 1. Computed in the
 * graph, so that generated code need not list the numbers.
 */
export function sinusoids(b: Builder, steps: number, size: number): Value {
  const places = Array.from({ length: size }, (_, place) => place);
  const speeds = places.map((place) => speed(Math.floor(place / 2), size));
  // cos x = sin(x + π/2)
  const phases = places.map((place) => (place % 2) * (Math.PI / 2));
  const angles = b.mul(times(b, steps), numbers(b, speeds, [size]));
  return b.sin(b.add(angles, numbers(b, phases, [size])));
}

/**
 * Turns the pairs of every vector of `x` `[…, steps, size]` by the angle of its step, so that products
 * of two vectors depend on their distance in time alone (Su et al. 2021). A pair is element i and
 * element i + size/2: the paper's rotation, with elements in another order.
 */
export function rotated(b: Builder, x: Value): Value {
  const shape = shapeOf(x);
  const axis = shape.length - 1;
  const [steps, size] = shape.slice(-2) as [number, number];
  const half = size / 2;
  const speeds = Array.from({ length: half }, (_, i) => speed(i, size));
  const angles = b.mul(times(b, steps), numbers(b, speeds, [half]));
  const [cos, sin] = [b.cos(angles), b.sin(angles)];
  const first = b.slice(x, { axes: [axis], starts: [0], ends: [half] });
  const second = b.slice(x, { axes: [axis], starts: [half], ends: [size] });
  return b.concat(
    [b.sub(b.mul(first, cos), b.mul(second, sin)), b.add(b.mul(second, cos), b.mul(first, sin))],
    { axis },
  );
}
