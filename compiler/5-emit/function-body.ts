/** @file The statements of a program's function: sections, layers, one line per value. */
import type { Span } from "../ir/origin.js";
import { formatType } from "../ir/text.js";
import type { Graph, Node, Value } from "../ir/types.js";
import type { ConstantTable } from "./constants.js";
import { propertyName, stringLiteral } from "./literal.js";
import { callOf } from "./op-call.js";
import { isSource, type Phase, type Section } from "./schedule.js";
import type { SourceLines } from "./source-lines.js";
import type { ValueNames } from "./value-names.js";

const headings: Readonly<Record<Phase, string>> = {
  forward: "forward",
  backward: "backward: gradients, derived from the forward pass",
  update: "update: new values of the state",
};

export interface BodyContext {
  readonly graph: Graph;
  readonly names: ValueNames;
  readonly constants: ConstantTable;
  /** Position of each layer in the model, from 1. */
  readonly positions: ReadonlyMap<string, number>;
  /** Where lines without a place of their own lead back to. */
  readonly span: Span;
  readonly out: SourceLines;
}

/** `[y, mean]`, `[, mean]`; a name alone for ops with one result. Unused results are left out. */
function targetOf(node: Node, names: ValueNames, used: ReadonlySet<string>): string {
  if (node.types.length === 1) return names.of({ node, output: 0 });
  const results = node.types.map((_, output) =>
    used.has(`${node.id}.${output}`) ? names.of({ node, output }) : "",
  );
  while (results.at(-1) === "") results.pop();
  return `[${results.map((result, i) => (i === 0 || result === "" ? result : ` ${result}`)).join()}]`;
}

/** Writes the statements and the return statement. */
export function writeBody(
  context: BodyContext,
  nodes: readonly Node[],
  sections: readonly Section[],
): void {
  const { graph, names, constants, positions, out } = context;
  const declared = new Set<Node>();
  const used = new Set(
    [...nodes.flatMap((node) => node.inputs), ...graph.outputs.map((output) => output.value)].map(
      ({ node, output }) => `${node.id}.${output}`,
    ),
  );

  const comment = (node: Node): string => `; // ${node.types.map(formatType).join(", ")}`;

  function declare(node: Node, target: string, code: string): void {
    declared.add(node);
    out.add(`  const ${target} = ${code}${comment(node)}`, node.origin.span ?? context.span);
  }

  function compute(node: Node): void {
    declareSources(node.inputs);
    const target = targetOf(node, names, used);
    const room = { before: `  const ${target} = `.length, after: comment(node).length };
    declare(node, target, callOf(node, names, constants, room));
  }

  /** Declares the tensors and constants that a node reads, right before their first use. */
  function declareSources(values: readonly Value[]): void {
    for (const { node } of values) {
      if (!isSource(node) || declared.has(node)) continue;
      if (node.kind === "constant") compute(node);
      else {
        const group = node.kind === "state" ? "state" : groupOf(node);
        const code = `${group}[${stringLiteral(String(node.attrs.name))}]`;
        declare(node, names.of({ node, output: 0 }), code);
      }
    }
  }

  function heading({ origin }: Section["groups"][number]): void {
    const position = positions.get(origin.layer);
    // Types of layers are words of ours, but a comment takes nothing on trust.
    const type = /^[a-z][a-z0-9_]*$/.test(origin.type) ? origin.type : "";
    const text = `${position === undefined ? "" : `layer ${position}: `}${type}`.trimEnd();
    const span = origin.span ?? context.span;
    if (text !== "") out.add(`  // ${text}`, span);
    if (origin.layer !== "") out.add(`  o.scope(${stringLiteral(origin.layer)});`, span);
  }

  for (const [i, { phase, groups }] of sections.entries()) {
    out.add(`${i === 0 ? "" : "\n"}  // ---- ${headings[phase]}`, context.span);
    for (const group of groups) {
      heading(group);
      for (const node of group.nodes) compute(node);
    }
  }
  declareSources(graph.outputs.map((output) => output.value));
  const results = (role: "output" | "state"): string => {
    const entries = graph.outputs
      .filter((output) => output.role === role)
      .map(({ name, value }) => `      ${propertyName(name)}: ${names.of(value)},\n`);
    return entries.length === 0 ? "{}" : `{\n${entries.join("")}    }`;
  };
  const text = `    outputs: ${results("output")},\n    state: ${results("state")},`;
  out.add(`\n  return {\n${text}\n  };`, context.span);
}

export const groupOf = (node: Node): "inputs" | "scalars" =>
  node.attrs.role === "scalar" ? "scalars" : "inputs";
