/**
 * @file Does a model fit into memory? Asked before anything is allocated: a slip in a size (units,
 * padding) otherwise shows as a machine that swaps or a process that is killed.
 */
import { totalmem } from "node:os";
import { bytesPerElement, type StateSpec } from "@dlc/runtime";
import { mostModelBytes } from "./2-lower/size.js";
import { planLifetimes } from "./4-optimize/plan-lifetimes.js";
import type { Diagnostics } from "./diagnostics/report.js";
import { bytes } from "./diagnostics/sizes.js";
import type { Origin, Span } from "./ir/origin.js";
import { concreteDim, formatShape, product } from "./ir/shape.js";
import { reachable } from "./ir/traverse.js";
import type { Graph, Shape } from "./ir/types.js";

export interface Memory {
  /** What the model may take. */
  readonly bytes: number;
  /** Is more an error (the model is about to run here), or a warning (it may run elsewhere)? */
  readonly enforced: boolean;
}

/** Of this machine, or of the container that the process is confined to. */
export function machineMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

export interface Demand {
  readonly state: Readonly<Record<string, StateSpec>>;
  /** The programs that run with it. */
  readonly graphs: readonly Graph[];
  readonly batch: number;
  /** Are the graphs what will run? Before the optimiser has seen them their values are only guessed. */
  readonly exact: boolean;
  /** Is nothing known better later on? Warnings wait for that. */
  readonly last: boolean;
  /** Where layers stand in the spec, by name. */
  readonly spans: ReadonlyMap<string, Span>;
}

/** A batch cannot be larger than the data; nothing larger counts for an error. */
const certainBatch = 1024;

interface Part {
  readonly layer: string | null;
  readonly what: string;
  readonly size: number;
  readonly span: Span | null;
}

const sizeOf = (dtype: keyof typeof bytesPerElement, shape: Shape, n: number): number =>
  concreteDim(product(shape), n) * bytesPerElement[dtype];

/** All values of a program together: never less than what they take at a time, and soon added up. */
function valuesIn(graphs: readonly Graph[], n: number): number {
  const sizes = graphs.map((graph) =>
    reachable(graph.outputs.map(({ value }) => value))
      .flatMap(({ types }) => types)
      .reduce((sum, { dtype, shape }) => sum + sizeOf(dtype, shape, n), 0),
  );
  return Math.max(0, ...sizes);
}

/** Reports at most one mistake, at the layer with the largest tensor. */
export function checkMemory(demand: Demand, memory: Memory, diagnostics: Diagnostics): void {
  const { state, graphs, batch, exact, last } = demand;
  const stateBytes = Object.values(state).reduce(
    (sum, { dtype, shape }) => sum + sizeOf(dtype, shape, 1),
    0,
  );
  const { enforced } = memory;
  if (stateBytes + valuesIn(graphs, batch) <= Math.min(memory.bytes, mostModelBytes)) return;
  const plans = graphs.map((graph) => planLifetimes(graph));
  const valuesAt = (n: number): number => Math.max(0, ...plans.map((plan) => plan.peakBytes(n)));
  const certain = stateBytes + valuesAt(Math.min(batch, certainBatch));
  const here = exact ? certain : stateBytes;
  const beyondAll = certain > mostModelBytes;
  if (beyondAll || (enforced && here > memory.bytes)) {
    const { layer, what, span } = largestPart(demand, Math.min(batch, certainBatch));
    diagnostics.report("model-too-large", span, {
      layer: layer === null ? "the model" : `the model with layer '${layer}'`,
      needed: bytes(beyondAll ? certain : here),
      available: beyondAll
        ? "more than any machine has"
        : `this machine has ${bytes(memory.bytes)}`,
      part: what,
    });
    return;
  }
  const whole = stateBytes + valuesAt(batch);
  if (!last || whole <= memory.bytes) return;
  const { what, span } = largestPart(demand, batch);
  diagnostics.report("memory-short", span, {
    needed: bytes(whole),
    available: bytes(memory.bytes),
    part: what,
    batch,
  });
}

function largestPart({ state, graphs, spans }: Demand, n: number): Part {
  let best: Part = { layer: null, what: "its values", size: 0, span: null };
  const consider = (layer: string, what: string, size: number, origin: Origin | null): void => {
    if (size <= best.size) return;
    best = {
      layer,
      what: `${what}, ${bytes(size)}`,
      size,
      span: spans.get(layer) ?? origin?.span ?? null,
    };
  };
  for (const [name, { dtype, shape, layer, role }] of Object.entries(state)) {
    if (role !== "weight" && role !== "buffer") continue;
    consider(layer, `${name} ${formatShape(shape)}`, sizeOf(dtype, shape, 1), null);
  }
  for (const graph of graphs) {
    for (const node of reachable(graph.outputs.map(({ value }) => value))) {
      if (node.kind === "state" || node.kind === "reshape") continue;
      for (const { dtype, shape } of node.types) {
        const { layer } = node.origin;
        consider(
          layer,
          `a value ${formatShape(shape)} with n = ${n}`,
          sizeOf(dtype, shape, n),
          node.origin,
        );
      }
    }
  }
  return best;
}
