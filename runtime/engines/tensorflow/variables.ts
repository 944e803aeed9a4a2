/**
 * @file The state tensors of a program as variables of the graph: read before anything is written, written
 * where they lie. Of rank 4 (filters, and what the optimiser keeps of them) they lie as HWIO.
 */

import type { Graph, Handle } from "./graph.js";
import type { Attribute } from "./graph-def.js";
import { filterLast, type Primitives } from "./primitives.js";

/** Node of a state tensor's variable, shared by all programs of a state. */
export const variableNode = (index: number): string => `state/v${index}`;

export interface VariableType {
  readonly dtype: Handle["dtype"];
  readonly shape: readonly number[];
  /** Its number in the state. */
  readonly index: number;
}

/** Sizes as the variable holds them. */
export const storedShape = (shape: readonly number[]): readonly number[] =>
  shape.length === 4 ? filterLast.map((axis) => shape[axis] as number) : shape;

/** The plain tensor of a variable's content, and back. */
export const toPlain = (p: Primitives, stored: Handle): Handle =>
  stored.shape.length === 4 ? p.from(stored, filterLast) : stored;
export const toStored = (p: Primitives, plain: Handle): Handle =>
  plain.shape.length === 4 ? p.as(plain, filterLast) : plain;

export interface Variables {
  /** The value before the program's updates. */
  read(name: string): Handle;
  /**
   * An optimiser's kernel that updates variables where they lie: those whose values `current` are, if they are
   * values that were read, each for the first time; else null. `operands` come after them, gradients as stored.
   */
  update(
    op: string,
    current: readonly Handle[],
    operands: readonly Handle[],
    attributes?: Readonly<Record<string, Attribute>>,
  ): readonly Handle[] | null;
  /** Writes the new values; gives the nodes that everything is written after. `waitFor` come first. */
  finish(values: Readonly<Record<string, Handle>>, waitFor: readonly string[]): readonly string[];
}

/** With `inPlace` false nothing is written: for traces. */
export function createVariables(
  graph: Graph,
  p: Primitives,
  types: Readonly<Record<string, VariableType>>,
  inPlace: boolean,
): Variables {
  const reads = new Map<string, Handle>();
  const names = new Map<string, string>();
  /** Written by kernels: the new values by name. */
  const written = new Map<string, Handle>();
  const writers: string[] = [];
  /** All writing waits for it: for all that is read, and for what `finish` is given. */
  const barrier = graph.effect("NoOp", [], {}, [], []).name;

  function typeOf(name: string): VariableType {
    const type = types[name];
    if (type === undefined) throw new Error(`there is no state tensor '${name}'`);
    return type;
  }
  function variable(name: string): Handle {
    return graph.outside(variableNode(typeOf(name).index), "resource", []);
  }
  function contents(name: string, after: readonly string[]): Handle {
    const { dtype, shape } = typeOf(name);
    const result = [{ dtype, shape: storedShape(shape) }];
    return graph.effect(
      "ReadVariableOp",
      [variable(name)],
      { dtype: { type: dtype } },
      result,
      after,
    ).results[0] as Handle;
  }

  return {
    read(name) {
      const known = reads.get(name);
      const stored = known ?? contents(name, []);
      reads.set(name, stored);
      const plain = toPlain(p, stored);
      names.set(plain.ref, name);
      return plain;
    },
    update(op, current, operands, attributes = {}) {
      const targets = current.map(({ ref }) => names.get(ref));
      if (!inPlace || targets.some((name) => name === undefined || written.has(name))) return null;
      const own = targets as readonly string[];
      const { name } = graph.effect(
        op,
        [...own.map(variable), ...operands.map((x) => toStored(p, x))],
        { T: { type: "f32" }, use_locking: { bool: false }, ...attributes },
        [],
        [barrier],
      );
      writers.push(name);
      return own.map((target) => {
        const after = toPlain(p, contents(target, [name]));
        written.set(target, after);
        return after;
      });
    },
    finish(values, waitFor) {
      if (!inPlace) return [];
      for (const [name, value] of Object.entries(values)) {
        if (written.get(name)?.ref === value.ref) continue;
        const { dtype } = typeOf(name);
        const { name: node } = graph.effect(
          "AssignVariableOp",
          [variable(name), toStored(p, value)],
          { dtype: { type: dtype } },
          [],
          [barrier],
        );
        writers.push(node);
      }
      for (const name of written.keys()) {
        if (values[name] === undefined) throw new Error(`'${name}' is updated but not returned`);
      }
      const first = [...reads.values()].map(({ ref }) => ref);
      graph.patch(
        barrier,
        [...first, ...waitFor].map((ref) => `^${ref}`),
      );
      return writers;
    },
  };
}
