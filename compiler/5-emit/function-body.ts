/** @file The statements of a program's function: sections, layers, one line per value. */
import { orderNodes } from "../4-optimize/order-nodes.js";
import type { Span } from "../ir/origin.js";
import { formatType } from "../ir/text.js";
import { type Graph, isGraph, type Node, type Value } from "../ir/types.js";
import type { ConstantTable } from "./constants.js";
import { fill, propertyName, stringLiteral } from "./literal.js";
import type { Identifier, NameScope } from "./name-scope.js";
import { callOf } from "./op-call.js";
import { isSource, type Phase, type Section, sectionsOf } from "./schedule.js";
import type { SourceLines } from "./source-lines.js";
import { nameValues, type ValueNames } from "./value-names.js";

const headings: Readonly<Record<Phase, string>> = {
  forward: "forward",
  backward: "backward: gradients, derived from the forward pass",
  update: "update: new values of the state",
};

export interface BodyContext {
  readonly graph: Graph;
  readonly names: ValueNames;
  /** The scope of the function. */
  readonly scope: NameScope;
  readonly constants: ConstantTable;
  /** Position of each layer in the model, from 1. */
  readonly positions: ReadonlyMap<string, number>;
  /** Where lines without a place of their own lead back to. */
  readonly span: Span;
  readonly out: SourceLines;
}

/** `[y, mean]`, `[, mean]`; a name alone for ops with one result. Unused results are left out. */
function targetOf(node: Node, names: ValueNames, used: ReadonlySet<string>, list: boolean): string {
  if (!list) return names.of({ node, output: 0 });
  const results = node.types.map((_, output) =>
    used.has(`${node.id}.${output}`) ? names.of({ node, output }) : "",
  );
  while (results.at(-1) === "") results.pop();
  return `[${results.map((result, i) => (i === 0 || result === "" ? result : ` ${result}`)).join()}]`;
}

/** `lstm_1_step`, and `d_lstm_1_step` for the one that runs backwards. */
const nameOfStep = ({ origin }: Node, scope: NameScope): Identifier =>
  scope.unique(`${origin.phase === "backward" ? "d_" : ""}${origin.layer}_step`);

/** Results that something reads. */
const resultsRead = (graph: Graph, nodes: readonly Node[]): ReadonlySet<string> =>
  new Set(
    [...nodes.flatMap((node) => node.inputs), ...graph.outputs.map((output) => output.value)].map(
      ({ node, output }) => `${node.id}.${output}`,
    ),
  );

/** Writes single values into a function; `declared` are those that it has already. */
function createStatements(
  { graph, names, scope, constants, span, out, ...context }: BodyContext,
  nodes: readonly Node[],
  indent: string,
  declared: Set<Node>,
) {
  const used = resultsRead(graph, nodes);
  const comment = (node: Node): string => `; // ${node.types.map(formatType).join(", ")}`;

  function declare(node: Node, target: string, code: string): void {
    declared.add(node);
    out.add(`${indent}const ${target} = ${code}${comment(node)}`, node.origin.span ?? span);
  }

  function compute(node: Node): void {
    declareSources(node.inputs);
    const body = Object.values(node.attrs).find(isGraph);
    const bodyName = body === undefined ? null : nameOfStep(node, scope);
    if (body !== undefined && bodyName !== null) {
      const inner = { ...context, graph: body, scope, constants, span, out };
      writeStep(body, bodyName, inner, { indent, carries: Number(node.attrs.carries) });
    }
    const list = node.types.length > 1 || body !== undefined;
    const target = targetOf(node, names, used, list);
    const before = `${indent}const ${target} = `.length;
    const room = { before, after: comment(node).length, indent };
    declare(node, target, callOf(node, names, constants, room, bodyName));
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
  return { compute, declareSources };
}

/**
 * Writes the body of a loop as a function of its own: `const lstm_1_step = (…): [T, T] => { … };`.
 * Parameters that it does not use begin with `_`.
 */
function writeStep(
  body: Graph,
  name: Identifier,
  context: Omit<BodyContext, "names">,
  { indent, carries }: { readonly indent: string; readonly carries: number },
): void {
  const { out, span } = context;
  const nodes = orderNodes(body);
  const sections = sectionsOf(nodes);
  const scope = context.scope.child();
  const outputs = body.outputs.map((output, i) => ({
    ...output,
    name: i < carries ? `next${i}` : `output${i - carries}`,
  }));
  const names = nameValues({ ...body, outputs }, nodes, sections, scope);
  const sources = new Map(
    nodes.filter(({ kind }) => kind === "input").map((node) => [String(node.attrs.name), node]),
  );
  const parameters = (body.parameters ?? []).map((parameter) => {
    const node = sources.get(parameter.name);
    const word =
      node === undefined ? `_${scope.unique(parameter.name)}` : names.of({ node, output: 0 });
    return { text: `${word}: T`, type: formatType(parameter.type) };
  });
  const inner = `${indent}  `;
  const results = `[${body.outputs.map(() => "T").join(", ")}]`;
  out.add(`${indent}const ${name} = (`, span);
  for (const { text, type } of parameters) out.add(`${inner}${text}, // ${type}`, span);
  out.add(`${indent}): ${results} => {`, span);
  const own: BodyContext = { ...context, scope, names };
  const statements = createStatements(own, nodes, inner, new Set(sources.values()));
  for (const { phase, groups } of sections) {
    if (sections.length > 1) out.add(`${inner}// ---- ${phase}`, span);
    for (const node of groups.flatMap((group) => group.nodes)) statements.compute(node);
  }
  statements.declareSources(body.outputs.map(({ value }) => value));
  const values = body.outputs.map(({ value }) => names.of(value));
  const short = `${inner}return [${values.join(", ")}];`;
  const lines = [`${inner}return [`, ...fill(values, `${inner}  `), `${inner}];`];
  out.add(short.length <= 100 ? short : lines.join("\n"), span);
  out.add(`${indent}};`, span);
}

/** Writes the statements and the return statement of a program's function. */
export function writeBody(
  context: BodyContext,
  nodes: readonly Node[],
  sections: readonly Section[],
): void {
  const { graph, names, positions, out } = context;
  const { compute, declareSources } = createStatements(context, nodes, "  ", new Set());

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
