/** @file The trained scale and offset that end every normalisation. */
import type { Value } from "../../ir/types.js";
import type { LayerContext } from "../define-layer.js";
import { flag, number } from "../fields.js";

export const normFields = {
  epsilon: number("Added to the variance before its root is taken.", { exclusiveMinimum: 0 }, 1e-3),
  scale: flag("Multiply every channel by a trained factor.", true),
  offset: flag("Add a trained offset to every channel.", true),
};

type Context = Pick<LayerContext<typeof normFields>, "b" | "fields" | "weight">;

/** `[channels]` each: weights that start as 1 and 0, or those constants where a field turns them off. */
export function scaleAndOffset(
  { b, fields, weight }: Context,
  channels: number,
): { scale: Value; offset: Value } {
  const fixed = (value: number): Value => b.constant({ dtype: "f32", shape: [channels], value });
  return {
    scale: fields.scale ? weight("scale", [channels], { kind: "ones" }) : fixed(1),
    offset: fields.offset ? weight("offset", [channels], { kind: "zeros" }) : fixed(0),
  };
}

/** `y·scale + offset`, without what the fields turn off. */
export function scaled(context: Context, y: Value, channels: number): Value {
  const { b, fields } = context;
  const { scale, offset } = scaleAndOffset(context, channels);
  const product = fields.scale ? b.mul(y, scale) : y;
  return fields.offset ? b.add(product, offset) : product;
}
