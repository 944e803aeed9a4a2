/** @file One module of a file against one layer: does each tensor fit, and how does it come here? */
import type { ArrangeStep, InitialTensor, WeightsEntry } from "@dlc/runtime";
import { isFloat } from "@dlc/runtime";
import type { Span } from "../../ir/origin.js";
import { sameShape } from "../../ir/shape.js";
import { arrangement } from "./axes.js";
import type { ChannelOrder, Order } from "./channel-order.js";
import type { Layout, TensorRule } from "./layout.js";

/** A module of the file: its tensors by their names in it. */
export interface Module {
  readonly name: string;
  readonly tensors: ReadonlyMap<string, WeightsEntry>;
}

/** A layer that has weights. */
export interface Receiver {
  /** As weights are named: `network.layer`, `block/layer`. */
  readonly owner: string;
  /** The layer, by the name of its first use. */
  readonly name: string;
  readonly type: string;
  /** Did the user name it? */
  readonly named: boolean;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly span: Span;
  /** By name inside of the layer: full name and shape. */
  readonly tensors: ReadonlyMap<
    string,
    { readonly full: string; readonly shape: readonly number[] }
  >;
}

export type Problem =
  | { readonly kind: "no-rule" }
  | { readonly kind: "lacks"; readonly tensor: string; readonly wanted: string }
  | {
      readonly kind: "shape";
      readonly tensor: string;
      readonly found: WeightsEntry;
      readonly wanted: readonly number[];
    }
  | { readonly kind: "type"; readonly tensor: string; readonly found: WeightsEntry }
  | { readonly kind: "extra"; readonly names: readonly string[] };

export interface Fit {
  /** By full name of our tensor. */
  readonly tensors: Readonly<Record<string, readonly InitialTensor[]>>;
  readonly problems: readonly Problem[];
  /** Tensors of the module that found their place. */
  readonly used: readonly WeightsEntry[];
}

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

export function fit(module: Module, receiver: Receiver, layout: Layout, order: ChannelOrder): Fit {
  const { tensors: found } = module;
  const tensors: Record<string, readonly InitialTensor[]> = {};
  const problems: Problem[] = [];
  const taken = new Set<string>();
  for (const [tensor, { full, shape }] of receiver.tensors) {
    const rule = layout.rules(receiver.type, tensor);
    if (rule === undefined) {
      problems.push({ kind: "no-rule" });
      break;
    }
    const { shape: wanted, steps } = planOf(rule, shape, receiver, layout, order);
    const sources: InitialTensor[] = [];
    for (const term of rule.from) {
      const names = term.split("|");
      for (const name of names) taken.add(name);
      const problem = problemOf(names, tensor, wanted, module);
      if ("kind" in problem) problems.push(problem);
      else sources.push({ name: problem.name, shape: wanted, steps });
    }
    tensors[full] = sources;
  }
  const extra = [...found.keys()].filter((name) => !taken.has(name) && !layout.ignored.has(name));
  if (extra.length > 0) problems.push({ kind: "extra", names: extra });
  const used = [...found].flatMap(([name, entry]) => (taken.has(name) ? [entry] : []));
  return { tensors, problems, used };
}

/** The module's tensor of one of these names, or what is wrong with it. */
function problemOf(
  names: readonly string[],
  tensor: string,
  wanted: readonly number[],
  { tensors }: Module,
): Problem | WeightsEntry {
  const name = names.find((one) => tensors.has(one));
  const found = name === undefined ? undefined : tensors.get(name);
  if (found === undefined) return { kind: "lacks", tensor, wanted: names.at(-1) ?? "" };
  if (!sameShape(found.shape, wanted)) return { kind: "shape", tensor, found, wanted };
  return isFloat(found.code) ? found : { kind: "type", tensor, found };
}

/** The shape that the file's tensor must have, and what is done to it. */
export function planOf(
  rule: TensorRule,
  shape: readonly number[],
  { name, fields }: Pick<Receiver, "name" | "fields">,
  layout: Pick<Layout, "channelsFirst">,
  order: ChannelOrder,
): { readonly shape: readonly number[]; readonly steps: readonly ArrangeStep[] } {
  const { multiplier } = fields;
  const sizes = typeof multiplier === "number" ? { m: multiplier } : {};
  const there =
    rule.axes === undefined ? { shape, steps: [] } : arrangement(rule.axes, shape, sizes);
  const steps: ArrangeStep[] = [...there.steps];
  const [rows = 1, ...others] = there.shape;
  const { part, gates } = rule;
  const unit = rows / (part?.count ?? 1);
  if (part !== undefined) {
    const from = part.index * unit;
    steps.unshift({ kind: "take", axis: 0, ranges: [[from, from + rows]] });
  }
  if (gates !== undefined) {
    const axis = shape.length - 1;
    const width = (shape[axis] ?? 0) / gates.length;
    steps.push({
      kind: "take",
      axis,
      ranges: gates.map((gate) => [gate * width, (gate + 1) * width] as const),
    });
  }
  if (layout.channelsFirst) {
    rule.along?.forEach((what, axis) => {
      const pieces = what === null ? undefined : order[what].get(name);
      if (pieces !== undefined && covers(pieces, shape[axis])) {
        steps.push({ kind: "channels_last", axis, pieces });
      }
    });
  }
  return { shape: part === undefined ? there.shape : [unit * part.of, ...others], steps };
}

const covers = (pieces: Order, size: number | undefined): boolean =>
  pieces.reduce((sum, piece) => sum + product(piece), 0) === size;
