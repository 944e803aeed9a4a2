/** @file A graph as a readable straight-line function over the op contract, and its `Program`. */
import { orderNodes } from "../4-optimize/order-nodes.js";
import type { Span } from "../ir/origin.js";
import { type Graph, type Node, typeOf, type Value } from "../ir/types.js";
import type { ConstantTable } from "./constants.js";
import { groupOf, writeBody } from "./function-body.js";
import { Fields, type Printable, print, propertyName, stringLiteral } from "./literal.js";
import type { NameScope } from "./name-scope.js";
import { mentionsBatch } from "./op-call.js";
import { isSource, sectionsOf } from "./schedule.js";
import type { SourceLines } from "./source-lines.js";
import { nameValues } from "./value-names.js";

/** A program as it is written: its function, the constant that describes it, and its graph. */
export interface EmittedProgram {
  /** The function: `train`, `trainDiscriminator`. */
  readonly id: string;
  /** The description: `trainProgram`. */
  readonly constant: string;
  readonly summary: string;
  readonly graph: Graph;
}

/** Names that every program's function has in scope. */
const parameters = ["o", "n", "inputs", "scalars", "state"];

const nameOf = (node: Node): string => String(node.attrs.name);

interface Interface {
  readonly inputs: readonly Node[];
  readonly scalars: readonly Node[];
  readonly state: readonly Node[];
  readonly outputs: Graph["outputs"];
  readonly updates: Graph["outputs"];
}

function interfaceOf(graph: Graph, nodes: readonly Node[]): Interface {
  const inputs = nodes.filter((node) => node.kind === "input");
  return {
    inputs: inputs.filter((node) => groupOf(node) === "inputs"),
    scalars: inputs.filter((node) => groupOf(node) === "scalars"),
    state: nodes.filter((node) => node.kind === "state"),
    outputs: graph.outputs.filter((output) => output.role === "output"),
    updates: graph.outputs.filter((output) => output.role === "state"),
  };
}

/** `{ readonly "conv2d_1.kernel": T; … }` */
function tensors(names: readonly string[]): string {
  const lines = names.map((name) => `    readonly ${propertyName(name)}: T;\n`);
  return lines.length === 0 ? "{}" : `{\n${lines.join("")}  }`;
}

function writeTypes(type: string, io: Interface, out: SourceLines, span: Span): void {
  const results = (outputs: Graph["outputs"]): string => tensors(outputs.map(({ name }) => name));
  const lines = [
    "",
    `export type ${type}Arguments<T> = {`,
    `  readonly inputs: ${tensors(io.inputs.map(nameOf))};`,
    `  readonly scalars: ${tensors(io.scalars.map(nameOf))};`,
    `  readonly state: ${tensors(io.state.map(nameOf))};`,
    "  /** Examples in the batch. */",
    "  readonly n: number;",
    "};",
    "",
    `export type ${type}Results<T> = {`,
    `  readonly outputs: ${results(io.outputs)};`,
    `  readonly state: ${results(io.updates)};`,
    "};",
  ];
  out.add(lines.join("\n"), span);
}

/** `export const trainProgram: Program = …`: what an engine needs to know before it calls it. */
function writeDescription(
  { id, constant }: EmittedProgram,
  io: Interface,
  out: SourceLines,
  span: Span,
): void {
  const spec = (value: Value): Printable =>
    new Fields([
      ["dtype", typeOf(value).dtype],
      ["shape", typeOf(value).shape],
    ]);
  const entry = (name: string, value: Printable): string =>
    `  ${name}: ${print(value, { indent: "  ", used: name.length + 5 })},`;
  const record = (pairs: readonly (readonly [string, Printable])[]): Printable =>
    Object.fromEntries(pairs);
  const lines = [
    "",
    `export const ${constant}: Program = {`,
    `  name: ${stringLiteral(id)},`,
    entry("inputs", record(io.inputs.map((node) => [nameOf(node), spec({ node, output: 0 })]))),
    entry(
      "scalars",
      record(io.scalars.map((node) => [nameOf(node), typeOf({ node, output: 0 }).dtype])),
    ),
    entry("reads", io.state.map(nameOf)),
    entry(
      "updates",
      io.updates.map(({ name }) => name),
    ),
    entry("outputs", record(io.outputs.map(({ name, value }) => [name, spec(value)]))),
    `  run: ${id},`,
    "};",
  ];
  out.add(lines.join("\n"), span);
}

export interface ProgramContext {
  /** The module's scope. */
  readonly scope: NameScope;
  readonly constants: ConstantTable;
  readonly positions: ReadonlyMap<string, number>;
  /** Where lines without a place of their own lead back to. */
  readonly span: Span;
  readonly out: SourceLines;
}

/** Adds the types of a program's arguments and results, its function, and its description. */
export function writeProgram(program: EmittedProgram, context: ProgramContext): void {
  const { out, span } = context;
  const { id, graph, summary } = program;
  const nodes = orderNodes(graph);
  const sections = sectionsOf(nodes);
  const scope = context.scope.child(parameters);
  const names = nameValues(graph, nodes, sections, scope);
  const io = interfaceOf(graph, nodes);
  const type = id.charAt(0).toUpperCase() + id.slice(1);
  writeTypes(type, io, out, span);
  const used = [
    io.inputs.length > 0 ? "inputs" : "",
    io.scalars.length > 0 ? "scalars" : "",
    io.state.length > 0 ? "state" : "",
    nodes.some(mentionsBatch) ? "n" : "",
  ].filter((word) => word !== "");
  const computes = nodes.some((node) => !isSource(node) || node.kind === "constant");
  const signature = [
    "",
    `/** ${summary} */`,
    `export function ${id}<T>(`,
    `  ${computes ? "o" : "_o"}: Ops<T>,`,
    `  ${used.length === 0 ? "_nothing" : `{ ${used.join(", ")} }`}: ${type}Arguments<T>,`,
    `): ${type}Results<T> {`,
  ];
  out.add(signature.join("\n"), span);
  writeBody({ ...context, scope, graph, names }, nodes, sections);
  out.add("}", span);
  writeDescription(program, io, out, span);
}
