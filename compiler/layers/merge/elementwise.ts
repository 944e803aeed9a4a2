/** @file What the elementwise merging layers share. */
import { formatShape } from "../../ir/shape.js";
import { shapeOf, type Value } from "../../ir/types.js";
import type { LayerContext } from "../define-layer.js";

type Context = Pick<LayerContext<Record<never, never>>, "inputs" | "inputNames" | "reject">;

/**
 * Folds the inputs with `combine`. They must have equal shapes, except that an axis of size 1
 * stretches (to gate channels, say: `[n,8,8,16]` and `[n,1,1,16]`).
 */
export function fold(
  { inputs, inputNames, reject }: Context,
  combine: (x: Value, y: Value) => Value,
): Value {
  const [first, ...rest] = inputs;
  if (first === undefined || rest.length === 0) return reject("needs at least two inputs");
  return rest.reduce((merged, input, i) => {
    const [a, c] = [shapeOf(merged), shapeOf(input)];
    const fits =
      a.length === c.length &&
      a.every((dim, axis) => dim === c[axis] || dim === 1 || c[axis] === 1);
    if (!fits) {
      const before = i === 0 ? `'${inputNames[0]}' is` : "the inputs before it are";
      reject(
        `needs inputs of equal shape, but ${before} ${formatShape(a)} and '${inputNames[i + 1]}' is ${formatShape(c)}`,
      );
    }
    return combine(merged, input);
  }, first);
}
