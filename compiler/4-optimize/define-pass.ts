/** @file The shape of a pass, and of the rules that most passes consist of. */
import type { HalfType, Layout, OpKind } from "@dlc/runtime";
import type { GraphBuilder } from "../ir/builder.js";
import type { Graph, Node, Value } from "../ir/types.js";
import type { AttrsOf, Inputs } from "../ops/define-op.js";
import { rewrite } from "./rewrite.js";

/** A node that a rule is tried on, in the new graph. */
export interface Match<K extends OpKind = OpKind> {
  readonly b: GraphBuilder;
  readonly node: Node;
  /** The node's inputs: as many as its op takes, and the optional ones present. */
  readonly inputs: Inputs<Value>;
  readonly attrs: AttrsOf<K>;
  /**
   * How many inputs and results of the graph read this value; Infinity where that is not known yet
   * (a value that a rule has just made): the rule gets another chance in the next round.
   */
  readonly uses: (value: Value) => number;
}

export interface Rule {
  /** What it does, as a sentence: "a double transpose is one". */
  readonly name: string;
  readonly at: readonly OpKind[];
  /** The values (one per result) that replace the node's, or null where the rule does not apply. */
  readonly rewrite: (match: Match) => Value | readonly Value[] | null;
  /** An example in IR text: documentation, test and changelog at once. */
  readonly before: string;
  readonly after: string;
}

/** A rule for one op, or for several that share their attributes. */
export function rule<const K extends OpKind>(
  name: string,
  at: K | readonly K[],
  definition: {
    readonly rewrite: (match: Match<K>) => Value | readonly Value[] | null;
    readonly before: string;
    readonly after: string;
  },
): Rule {
  return {
    name,
    at: typeof at === "string" ? [at] : at,
    before: definition.before,
    after: definition.after,
    rewrite: definition.rewrite as unknown as Rule["rewrite"],
  };
}

export interface PassContext {
  readonly mode: "training" | "inference";
  /** The layout in which the target computes convolutions and pools. */
  readonly layout: Layout;
  /** Ops that the target does not have. */
  readonly lacking: readonly OpKind[];
  /** What convolutions and matrix products are computed in; absent: f32. */
  readonly half?: HalfType;
}

export interface PassResult {
  readonly graph: Graph;
  /** How often each rule fired, or another count that says what the pass did. */
  readonly counts: Readonly<Record<string, number>>;
}

export interface Pass {
  /** Verb-object, in kebab case: what `--print-after` takes. */
  readonly name: string;
  /** Why it is there, in one sentence. */
  readonly why: string;
  readonly rules: readonly Rule[];
  readonly run: (graph: Graph, context: PassContext) => PassResult;
}

/** A pass made of local rules, or (`run`) one that looks at the whole graph. */
export function definePass(
  definition: { readonly name: string; readonly why: string } & (
    | { readonly rules: readonly Rule[] }
    | { readonly run: (graph: Graph, context: PassContext) => PassResult }
  ),
): Pass {
  const { name, why } = definition;
  if ("run" in definition) return { name, why, rules: [], run: definition.run };
  const { rules } = definition;
  return { name, why, rules, run: (graph) => rewrite(graph, rules) };
}
