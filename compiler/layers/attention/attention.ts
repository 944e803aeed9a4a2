/** @file Attention: every step of a query looks at the steps of a memory and takes their weighted mean. */
import { formatShape } from "../../ir/shape.js";
import { type Shape, shapeOf, type Value } from "../../ir/types.js";
import { drop } from "../core/dropout.js";
import { defineLayer } from "../define-layer.js";
import { attentionFields, idleSettings } from "./fields.js";
import { attendOnce } from "./kinds.js";
import { attendInHeads } from "./multi-head.js";
import type { AttentionContext, Scene } from "./scene.js";
import { visibility } from "./visible.js";

const sizes = (shape: Shape): readonly [steps: number, size: number] | null => {
  const [, steps, size] = shape;
  const fits = shape.length === 3 && typeof steps === "number" && typeof size === "number";
  return fits ? [steps, size] : null;
};

/** The query, as one step where it has none of its own, and the memory. */
function readInputs(
  context: AttentionContext,
): Omit<Scene, "seen" | "drop"> & { readonly isVector: boolean } {
  const { b, x, inputs, inputRoles, reject } = context;
  const shape = shapeOf(x);
  const [batch = "n"] = shape;
  const given = inputs[inputRoles.indexOf("memory")];
  const isVector = shape.length === 2 && typeof shape[1] === "number" && given !== undefined;
  const query = isVector ? b.reshape(x, { shape: [batch, 1, shape[1] ?? 1] }) : x;
  const own = sizes(shapeOf(query));
  if (own === null) {
    const wanted = given === undefined ? "[n,steps,size]" : "[n,steps,size] or [n,size]";
    return reject(`needs a query ${wanted}, but gets ${formatShape(shape)}`);
  }
  const memory = given ?? query;
  const other = sizes(shapeOf(memory));
  if (other === null) {
    return reject(
      `needs a memory [n,steps,size], but '${context.inputNames[inputRoles.indexOf("memory")]}' is ${formatShape(shapeOf(memory))}`,
      "memory",
    );
  }
  const [[steps, querySize], [length, memorySize]] = [own, other];
  const isSelf = given === undefined;
  return { query, memory, isSelf, isVector, batch, steps, length, querySize, memorySize };
}

/** Without the axis of steps that a vector got. */
function withoutStep(b: AttentionContext["b"], x: Value): Value {
  const shape = shapeOf(x);
  return b.reshape(x, { shape: shape.toSpliced(shape.length - 2, 1) });
}

/** Weights [n, …, query steps, memory steps] without the rows of a query's padding. */
function rowsThere(b: AttentionContext["b"], weights: Value, mask: Value | null): Value {
  if (mask === null) return weights;
  const [batch = "n", ...more] = shapeOf(weights);
  const shape = [batch, ...more.map((dim, i) => (i === more.length - 2 ? dim : 1))];
  const zero = b.constant({ dtype: "f32", shape: [], value: 0 });
  return b.select(b.reshape(mask, { shape }), weights, zero);
}

export const attention = defineLayer({
  type: "attention",
  summary:
    "For every step of a query, the mean of a memory's steps, weighted by how well they suit the query; without a memory, of the query's own steps (self-attention). Padding of the memory is not seen.",
  inputs: "one",
  inputRole: "query",
  primary: "kind",
  fields: attentionFields,
  roles: {
    memory:
      "The sequence that is looked at, [n, steps, size]; default: the query itself. With a memory the query may be a single vector [n, size].",
  },
  outputs: {
    weights:
      "The weights, [n, query steps, memory steps]; of multi_head [n, heads, query steps, memory steps].",
  },
  padding: "handles",
  looksAhead: ({ causal }, role, roles) =>
    role === "memory" || (!causal && !roles.includes("memory")),
  idle: idleSettings,
  shapes:
    "[n, steps, size] → [n, steps, size]; with a memory [n, length, size₂], kinds other than multi_head → [n, steps, size₂]",
  example: "attention: { kind: multi_head, heads: 4 }",

  lower(context) {
    const { b, fields, masks, inputRoles, training, random, reject } = context;
    const { isVector, ...inputs } = readInputs(context);
    if (fields.causal && !inputs.isSelf) {
      reject(
        "hides later steps of the query from earlier ones (causal), but it looks at a memory: leave one of them out",
        "causal",
      );
    }
    const mask = masks[inputs.isSelf ? 0 : inputRoles.indexOf("memory")] ?? null;
    const scene: Scene = {
      ...inputs,
      seen: visibility(b, mask, fields.causal, inputs.steps),
      drop: (weights) => (training ? drop(b, weights, fields.dropout, random) : weights),
    };
    const { value, weights } =
      fields.kind === "multi_head"
        ? attendInHeads(context, scene)
        : attendOnce(fields.kind, context, scene);
    const padding = isVector ? null : (masks[0] ?? null);
    context.setMask(padding);
    context.also("weights", isVector ? withoutStep(b, weights) : rowsThere(b, weights, padding));
    return isVector ? withoutStep(b, value) : value;
  },
});
