/** @file Lowers `recurrent`: a loop whose body is the layers of its cell. */
import type { LayerUse, RecurrentCell, RecurrentState } from "../1-load/resolved-spec.js";
import { bug } from "../diagnostics/diagnostic.js";
import { formatShape } from "../ir/shape.js";
import { sameType } from "../ir/text.js";
import { type Shape, shapeOf, typeOf, type Value } from "../ir/types.js";
import { overTime } from "../layers/recurrent/over-time.js";
import type { Builder } from "../ops/define-op.js";
import { LayerRejection } from "./blame.js";

export interface CellContext {
  readonly b: Builder;
  readonly layer: LayerUse;
  readonly cell: RecurrentCell;
  /** The sequence: [n, steps, …]. */
  readonly x: Value;
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
  const { b, layer, cell, x, read, define, lower } = context;
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
      sequences: [swapped(b, x)],
      reverse: layer.fields.reverse === true,
      // The cell's layers declare their weights as they are built, which must happen once.
      unrollUpTo: 0,
      step: (states, [slice]) => {
        define(inside("x"), slice ?? bug("one sequence gives one slice"));
        cell.states.forEach(({ name }, i) => {
          define(inside(name), states[i] ?? bug("one value per state"));
        });
        for (const inner of cell.layers) lower(inner);
        const next = cell.states.map((state, i) =>
          checkNext(state, get(state.next.name), states[i] as Value),
        );
        return { states: next, outputs: [get(cell.output)] };
      },
    });
    const [outputs = bug("a cell puts something out")] = result.outputs;
    const shape = shapeOf(outputs);
    const at = layer.fields.reverse === true ? 0 : (shape[0] as number) - 1;
    const row = b.slice(outputs, { axes: [0], starts: [at], ends: [at + 1] });
    return { sequence: swapped(b, outputs), last: b.reshape(row, { shape: shape.slice(1) }) };
  } catch (error) {
    if (error instanceof Poisoned) return null;
    throw error;
  }
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
