/** @file Lowers `recurrent`: a loop whose body is the layers of its cell. */
import type { LayerUse, RecurrentCell, RecurrentState } from "../1-load/resolved-spec.js";
import { bug } from "../diagnostics/diagnostic.js";
import { formatShape } from "../ir/shape.js";
import { sameType } from "../ir/text.js";
import { type Shape, shapeOf, typeOf, type Value } from "../ir/types.js";
import { overTime, stepsThere } from "../layers/recurrent/over-time.js";
import { zeroed } from "../layers/sequence/steps.js";
import type { Builder } from "../ops/define-op.js";
import { LayerRejection } from "./blame.js";

export interface CellContext {
  readonly b: Builder;
  readonly layer: LayerUse;
  readonly cell: RecurrentCell;
  /** The sequence: [n, steps, …]. */
  readonly x: Value;
  /** Its padding: bool [n, steps]; null: there is none. */
  readonly mask: Value | null;
  /** A value by name; null if it could not be built, which has been reported. */
  readonly read: (name: string) => Value | null;
  /** Makes a value readable under a name. */
  readonly define: (name: string, value: Value) => void;
  readonly lower: (layer: LayerUse) => void;
}

/** A layer of the cell was rejected, which has been reported. */
class Poisoned extends Error {}

function stateBefore({ b, read, x }: CellContext, state: RecurrentState): Value {
  const from = (name: string): Value => {
    const value = read(name);
    if (value === null) throw new Poisoned();
    return value;
  };
  if (state.start !== null) return from(state.start);
  const [batch = "n"] = shapeOf(x);
  const shape = state.like === null ? [batch, ...(state.size ?? [])] : shapeOf(from(state.like));
  return b.constant({ dtype: "f32", shape, value: 0 });
}

/** `[a, b, …]` to `[b, a, …]`: between [n, steps, …] and [steps, n, …]. */
function swapped(b: Builder, x: Value): Value {
  const perm = shapeOf(x).map((_, axis) => (axis < 2 ? 1 - axis : axis));
  return b.transpose(x, { perm });
}

function checkSequence(shape: Shape): void {
  if (shape.length >= 3 && typeof shape[1] === "number") return;
  throw new LayerRejection(
    `needs sequences [n,steps,…], but its input is ${formatShape(shape)}`,
    "over",
  );
}

/** The outputs of all steps and of the last one; null where a layer of the cell was rejected. */
export function lowerCell(context: CellContext): { sequence: Value; last: Value } | null {
  const { b, layer, cell, x, mask, read, define, lower } = context;
  checkSequence(shapeOf(x));
  const inside = (name: string): string => `${layer.name}/${name}`;
  const get = (name: string): Value => {
    const value = read(name);
    if (value === null) throw new Poisoned();
    return value;
  };
  try {
    const result = overTime({
      b,
      states: cell.states.map((state) => stateBefore(context, state)),
      sequences: mask === null ? [swapped(b, x)] : [swapped(b, x), stepsThere(b, mask)],
      reverse: layer.fields.reverse === true,
      // The cell's layers declare their weights as they are built, which must happen once.
      unrollUpTo: 0,
      step: (states, [slice, there]) => {
        define(inside("x"), slice ?? bug("one sequence gives one slice"));
        cell.states.forEach(({ name }, i) => {
          define(inside(name), states[i] ?? bug("one value per state"));
        });
        for (const inner of cell.layers) lower(inner);
        const next = cell.states.map((state, i) =>
          checkNext(state, get(state.next.name), states[i] as Value),
        );
        const output = get(cell.output);
        if (there === undefined) return { states: next, outputs: [output] };
        const here = (value: Value): Value =>
          b.reshape(there, { shape: [...shapeOf(there).slice(0, 1), ...ones(value)] });
        return {
          states: next.map((value, i) => b.select(here(value), value, states[i] as Value)),
          outputs: [b.select(here(output), output, zeroOf(b, output))],
        };
      },
    });
    const [outputs = bug("a cell puts something out")] = result.outputs;
    const shape = shapeOf(outputs);
    const sequence = swapped(b, outputs);
    if (mask !== null) return { sequence, last: lastThere(context, sequence, mask) };
    const at = layer.fields.reverse === true ? 0 : (shape[0] as number) - 1;
    const row = b.slice(outputs, { axes: [0], starts: [at], ends: [at + 1] });
    return { sequence, last: b.reshape(row, { shape: shape.slice(1) }) };
  } catch (error) {
    if (error instanceof Poisoned) return null;
    throw error;
  }
}

const ones = (value: Value): number[] =>
  shapeOf(value)
    .slice(1)
    .map(() => 1);

const zeroOf = (b: Builder, value: Value): Value =>
  b.constant({ dtype: typeOf(value).dtype, shape: [], value: 0 });

/** Of `[n, steps, …]` the step that comes last among those that are there; zeros where none is. */
function lastThere({ b, layer }: CellContext, sequence: Value, mask: Value): Value {
  const steps = Number(shapeOf(mask)[1]);
  const isReverse = layer.fields.reverse === true;
  // Numbers that grow in the order of reading, 0 in the padding.
  const order = Array.from({ length: steps }, (_, i) => (isReverse ? steps - i : i + 1));
  const numbers = b.mul(
    b.cast(mask, { dtype: "f32" }),
    b.constant({ dtype: "f32", shape: [steps], value: order }),
  );
  const largest = b.max(numbers, { axes: [1], keepDims: true });
  const isLast = b.logicalAnd(mask, b.equal(numbers, largest));
  return b.sum(zeroed(b, sequence, isLast), { axes: [1], keepDims: false });
}

/** A state keeps its shape, or there could be no next step. */
function checkNext({ name, next }: RecurrentState, value: Value, before: Value): Value {
  if (sameType(typeOf(value), typeOf(before))) return value;
  const [was, is] = [before, value].map((v) => formatShape(shapeOf(v)));
  const layer = next.name.split("/").at(-1) ?? next.name;
  throw new LayerRejection(
    `the state '${name}' is ${was}, but its next value '${layer}' is ${is}: give the state the shape of what it becomes`,
    "next",
  );
}
