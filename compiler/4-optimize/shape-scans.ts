/**
 * @file Loops that gradients leave behind: the forward loop twice, once with what the gradient wants kept,
 * and loops that compute what nobody reads.
 */
import type { OpKind } from "@dlc/runtime";
import { createBuilder } from "../ir/builder.js";
import { type Copies, copyNodes, copyOf, parameterNodes } from "../ir/inline.js";
import { printGraph } from "../ir/print.js";
import { resultName } from "../ir/text.js";
import { nodesOf, reachable } from "../ir/traverse.js";
import type { Graph, GraphOutput, Node, Value } from "../ir/types.js";
import type { AttrsOf } from "../ops/define-op.js";
import { definePass } from "./define-pass.js";
import { rebuild } from "./rebuild.js";
import { countUses } from "./rewrite.js";

type Attrs = AttrsOf<"scan">;
const attrsOf = (node: Node): Attrs => node.attrs as unknown as Attrs;
const scansOf = (graph: Graph): readonly Node[] =>
  nodesOf(graph).filter((node) => node.kind === "scan");
const outputOf = (value: Value): GraphOutput => ({ name: "", role: "output", value });
const named = (outputs: readonly GraphOutput[]): readonly GraphOutput[] =>
  outputs.map((output, i) => ({ ...output, name: resultName(i) }));

/** Scans with the same key do the same steps. */
function stepsKey(node: Node): string {
  const { carries, sequences, reverse, body } = attrsOf(node);
  const inputs = node.inputs.map((value) => `${value.node.id}.${value.output}`).join();
  const steps = printGraph({ ...body, outputs: named(body.outputs.slice(0, carries)) });
  return [inputs, carries, sequences, reverse, steps].join("|");
}

/** What a body computes, over the parameters of another body that are called the same. */
function outputsOver(
  b: ReturnType<typeof createBuilder>,
  body: Graph,
  parameters: ReadonlyMap<string, Value>,
): readonly Value[] {
  const known = new Map<Node, readonly Value[]>();
  for (const [name, node] of parameterNodes(body)) {
    const value = parameters.get(name);
    if (value !== undefined) known.set(node, [value]);
  }
  const roots = body.outputs.map(({ value }) => value);
  const copies: Copies = copyNodes(b, roots, known);
  return roots.map((root) => copyOf(copies, root));
}

/** One body for several scans with equal steps, and where each one's results are in it. */
function union(nodes: readonly [Node, ...Node[]]): {
  readonly body: Graph;
  readonly places: ReadonlyMap<Node, readonly number[]>;
} {
  const { carries, body: first } = attrsOf(nodes[0]);
  const b = createBuilder();
  const parameters = new Map(
    (first.parameters ?? []).map(({ name, type }) => [
      name,
      b.input(name, "batch", type.dtype, type.shape),
    ]),
  );
  const outputs: Value[] = [];
  const places = new Map<Node, readonly number[]>();
  for (const node of nodes) {
    const values = outputsOver(b, attrsOf(node).body, parameters);
    const at = values.map((value, i) => {
      const known = outputs.findIndex(
        (output, k) => k >= carries && output.node === value.node && output.output === value.output,
      );
      if (i < carries && node !== nodes[0]) return i;
      if (i >= carries && known >= 0) return known;
      return outputs.push(value) - 1;
    });
    places.set(node, at);
  }
  return { body: { ...first, outputs: named(outputs.map(outputOf)) }, places };
}

function mergeOnce(graph: Graph): { readonly graph: Graph; readonly merged: number } {
  const groups = new Map<string, Node[]>();
  for (const node of scansOf(graph)) {
    const key = stepsKey(node);
    groups.set(key, [...(groups.get(key) ?? []), node]);
  }
  const groupOf = new Map<Node, readonly [Node, ...Node[]]>();
  for (const [first, ...others] of groups.values()) {
    if (first === undefined || others.length === 0) continue;
    for (const node of [first, ...others]) groupOf.set(node, [first, ...others]);
  }
  if (groupOf.size === 0) return { graph, merged: 0 };
  const made = new Map<Node, (node: Node) => readonly Value[]>();
  const result = rebuild(graph, ({ b, node, inputs }) => {
    const group = groupOf.get(node);
    if (group === undefined) return null;
    const known = made.get(group[0]);
    if (known !== undefined) return known(node);
    const { body, places } = union(group);
    b.origin = group[0].origin;
    const values = b.apply("scan", inputs, { ...node.attrs, body });
    const pick = (member: Node): readonly Value[] =>
      (places.get(member) ?? []).map((at) => values[at] as Value);
    made.set(group[0], pick);
    return pick(node);
  });
  return { graph: result, merged: groupOf.size - made.size };
}

export const mergeScans = definePass({
  name: "merge-scans",
  why: "A loop's gradient wants more of the forward loop than the model does: one loop can give both.",
  run: (graph) => {
    let [current, total] = [graph, 0];
    // Merging two loops makes the inputs of later ones equal.
    for (;;) {
      const { graph: next, merged } = mergeOnce(current);
      if (merged === 0) return { graph: current, counts: { "loops merged": total } };
      [current, total] = [next, total + merged];
    }
  },
});

/** Which carries, outputs and parameters of a scan are needed for the results that are read. */
function liveParts({
  attrs: { carries, sequences, body },
  isRead,
}: {
  attrs: Attrs;
  isRead: (i: number) => boolean;
}): { readonly results: readonly number[]; readonly inputs: readonly number[] } {
  const values = body.outputs.map(({ value }) => value);
  const parameters = (body.parameters ?? []).map(({ name }) => name);
  const live = new Set(values.flatMap((_, i) => (isRead(i) ? [i] : [])));
  for (;;) {
    const roots = [...live].map((i) => values[i] as Value);
    const used = new Set(
      reachable(roots).flatMap((n) => (n.kind === "input" ? [String(n.attrs.name)] : [])),
    );
    const carried = parameters.slice(0, carries);
    const more = carried.flatMap((name, i) => (used.has(name) && !live.has(i) ? [i] : []));
    for (const i of more) live.add(i);
    if (more.length > 0) continue;
    const inputs = parameters.flatMap((name, i) => {
      if (i < carries) return live.has(i) ? [i] : [];
      return used.has(name) ? [i] : [];
    });
    const isSequence = (i: number): boolean => i >= carries && i < carries + sequences;
    // The sequences say how many steps there are: one must stay.
    const kept = inputs.some(isSequence) ? inputs : [...inputs, carries].sort((a, b) => a - b);
    return { results: [...live].sort((a, b) => a - b), inputs: kept };
  }
}

function pruneOnce(graph: Graph): { readonly graph: Graph; readonly dropped: number } {
  const uses = countUses(graph);
  let dropped = 0;
  const result = rebuild(graph, ({ b, node, inputs }) => {
    if (node.kind !== "scan") return null;
    const attrs = attrsOf(node);
    const isRead = (output: number): boolean => uses({ node, output }) > 0;
    const live = liveParts({ attrs, isRead });
    const gone = node.types.length - live.results.length + node.inputs.length - live.inputs.length;
    if (gone === 0) return null;
    dropped += gone;
    const { carries, sequences, body } = attrs;
    const within = (from: number, to: number): number =>
      live.inputs.filter((i) => i >= from && i < to).length;
    const values = b.apply(
      "scan" satisfies OpKind,
      live.inputs.map((i) => inputs[i] as Value),
      {
        ...attrs,
        carries: within(0, carries),
        sequences: within(carries, carries + sequences),
        body: {
          ...body,
          parameters: (body.parameters ?? []).filter((_, i) => live.inputs.includes(i)),
          outputs: named(body.outputs.filter((_, i) => live.results.includes(i))),
        },
      },
    );
    // Nothing reads the results that are gone: any value may take their place.
    return node.types.map((_, i) => (values[live.results.indexOf(i)] ?? values[0]) as Value);
  });
  return { graph: result, dropped };
}

export const pruneScans = definePass({
  name: "prune-scans",
  why: "Loops have results that this program does not read, such as gradients of what is not trained.",
  run: (graph) => {
    let [current, total] = [graph, 0];
    // What a later loop no longer reads, an earlier one need not compute.
    for (;;) {
      const { graph: next, dropped } = pruneOnce(current);
      if (dropped === 0) return { graph: current, counts: { "parts dropped": total } };
      [current, total] = [next, total + dropped];
    }
  },
});
