/** @file A graph as a readable straight-line function over the op contract, and its `Program`. */
import type { OpKind } from "@dlc/runtime";
import type { Span } from "../ir/origin.js";
import { formatType } from "../ir/text.js";
import { nodesOf } from "../ir/traverse.js";
import { type Dim, type Graph, type Node, typeOf, type Value } from "../ir/types.js";
import type { AnyOpDef } from "../ops/define-op.js";
import { ops } from "../ops/index.js";
import type { ConstantTable } from "./constants.js";
import { Code, type Printable, print, propertyName, stringLiteral } from "./literal.js";
import type { Identifier, NameScope } from "./name-scope.js";
import { isSource, type Phase, type Section, sectionsOf } from "./schedule.js";
import type { SourceLines } from "./source-lines.js";
import { nameValues, type ValueNames } from "./value-names.js";

const width = 100;
/** Names that every program function has in scope. */
const parameters = ["o", "n", "inputs", "scalars", "state"];
const n = "n" as Identifier;

export interface ProgramText {
  /** Key of the program in `ModelDefinition.programs`: infer, train … */
  readonly key: string;
  readonly graph: Graph;
  readonly summary: string;
  /** What lines that belong to no layer lead back to. */
  readonly span: Span;
  /** Position of each layer in the model, from 1. */
  readonly positions: ReadonlyMap<string, number>;
}

const headings: Readonly<Record<Phase, string>> = {
  forward: "forward",
  backward: "backward: gradients, derived from the forward pass",
  update: "update: new values of the state",
};

const isBatch = (node: Node): boolean => node.kind === "input" && node.attrs.role === "batch";
const isScalar = (node: Node): boolean => node.kind === "input" && node.attrs.role === "scalar";
const nameOf = (node: Node): string => String(node.attrs.name);
/** In order of their names, which does not depend on the machine's language. */
const byName = (nodes: readonly Node[]): readonly Node[] =>
  [...nodes].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0));

function dimCode(dim: Dim): Printable {
  if (typeof dim === "number") return dim;
  return Code.times(dim === "n" ? 1 : Number(dim.slice(0, -1)), n);
}

/** One `ops` call: `o.conv2d(x, filter, { strides: [1, 1], …, bias: conv2d_1_bias })`. */
function call(node: Node, names: ValueNames, constants: ConstantTable, used: number): string {
  const definition: AnyOpDef = ops[node.kind as OpKind];
  const count = node.inputs.length - node.optional.length;
  const required = node.inputs.slice(0, count).map((value) => names.of(value));
  const options: Record<string, Printable> = {};
  for (const [key, value] of Object.entries(node.attrs)) {
    options[key] = definition.shapeAttrs?.includes(key)
      ? (value as readonly Dim[]).map(dimCode)
      : Array.isArray(value)
        ? constants.reference(value as readonly number[])
        : (value as Printable);
  }
  node.optional.forEach((key, i) => {
    options[key] = Code.of(names.of(node.inputs[count + i] as Value));
  });
  const first = definition.variadic ? [`[${required.join(", ")}]`] : required;
  const start = `o.${node.kind}(${first.join(", ")}`;
  if (Object.keys(options).length === 0) return `${start})`;
  const comma = first.length === 0 ? "" : ", ";
  const taken = used + start.length + comma.length + 2;
  return `${start}${comma}${print(options, { indent: "  ", used: taken, width, plainKeys: true })})`;
}

class FunctionWriter {
  readonly #declared = new Set<Node>();
  constructor(
    readonly text: ProgramText,
    readonly out: SourceLines,
    readonly names: ValueNames,
    readonly constants: ConstantTable,
    /** Outputs that something reads, by node id and output. */
    readonly used: ReadonlySet<string>,
  ) {}

  /** Declares the inputs, state tensors and constants that a node reads, where not done yet. */
  #declareSources(values: readonly Value[]): void {
    for (const { node } of values) {
      if (!isSource(node) || this.#declared.has(node)) continue;
      if (node.kind === "constant") this.statement(node);
      else {
        this.#declared.add(node);
        const group = node.kind === "state" ? "state" : isBatch(node) ? "inputs" : "scalars";
        const code = `${group}[${stringLiteral(nameOf(node))}]`;
        this.#declaration(node, this.names.of({ node, output: 0 }), code);
      }
    }
  }

  #declaration(node: Node, target: string, code: string): void {
    const types = node.types.map(formatType).join(", ");
    this.out.add(`  const ${target} = ${code}; // ${types}`, node.origin.span ?? this.text.span);
  }

  statement(node: Node): void {
    this.#declareSources(node.inputs);
    this.#declared.add(node);
    const results = node.types.map((_, output) =>
      this.used.has(`${node.id}.${output}`) ? this.names.of({ node, output }) : "",
    );
    while (results.at(-1) === "") results.pop();
    const target =
      node.types.length === 1 ? (results[0] as string) : `[${results.join(", ").replace(/ (?=,)/g, "")}]`;
    const taken = `  const ${target} = `.length;
    this.#declaration(node, target, call(node, this.names, this.constants, taken));
  }

  sections(sections: readonly Section[]): void {
    for (const { phase, groups } of sections) {
      this.out.add(`\n  // ---- ${headings[phase]}`, this.text.span);
      for (const { origin, nodes } of groups) {
        const position = this.text.positions.get(origin.layer);
        const place = position === undefined ? "" : `layer ${position}: `;
        // Types of layers are ours, but a comment takes nothing on trust.
        const type = /^[a-z][a-z0-9_]*$/.test(origin.type) ? origin.type : "";
        const span = origin.span ?? this.text.span;
        if (place !== "" || type !== "") this.out.add(`  // ${place}${type}`.trimEnd(), span);
        if (origin.layer !== "") this.out.add(`  o.scope(${stringLiteral(origin.layer)});`, span);
        for (const node of nodes) this.statement(node);
      }
    }
  }

  result(): void {
    const { outputs } = this.text.graph;
    this.#declareSources(outputs.map((output) => output.value));
    const list = (role: "output" | "state"): string => {
      const entries = outputs
        .filter((output) => output.role === role)
        .map(({ name, value }) => `\n      ${propertyName(name)}: ${this.names.of(value)},`);
      return entries.length === 0 ? "{}" : `{${entries.join("")}\n    }`;
    };
    const text = `\n  return {\n    outputs: ${list("output")},\n    state: ${list("state")},\n  };`;
    this.out.add(text, this.text.span);
  }
}

/** `readonly "conv2d_1.kernel": T;` for each name, as a type literal. */
function typeLiteral(names: readonly string[], indent: string): string {
  if (names.length === 0) return "{}";
  const lines = names.map((name) => `${indent}  readonly ${propertyName(name)}: T;`);
  return `{\n${lines.join("\n")}\n${indent}}`;
}

/** The program as data, for engines: what it reads and what it gives. */
function description(graph: Graph, nodes: readonly Node[]): Record<string, Printable> {
  const spec = (value: Value): Printable => {
    const { dtype, shape } = typeOf(value);
    return { dtype, shape };
  };
  const of = (list: readonly Node[], map: (node: Node) => Printable): Printable =>
    Object.fromEntries(byName(list).map((node) => [nameOf(node), map(node)]));
  const results = (role: "output" | "state") =>
    graph.outputs.filter((output) => output.role === role);
  return {
    inputs: of(nodes.filter(isBatch), (node) => spec({ node, output: 0 })),
    scalars: of(nodes.filter(isScalar), (node) => typeOf({ node, output: 0 }).dtype),
    reads: byName(nodes.filter((node) => node.kind === "state")).map(nameOf),
    updates: results("state").map((output) => output.name),
    outputs: Object.fromEntries(results("output").map(({ name, value }) => [name, spec(value)])),
  };
}

/** Adds the types of a program's arguments and results, its function, and its description. */
export function writeProgram(
  text: ProgramText,
  out: SourceLines,
  scope: NameScope,
  constants: ConstantTable,
): void {
  const { graph, key } = text;
  const nodes = nodesOf(graph);
  const sections = sectionsOf(nodes);
  const names = nameValues(graph, nodes, sections, scope.child(parameters));
  const used = new Set(
    [
      ...nodes.flatMap((node) => node.inputs),
      ...graph.outputs.map((output) => output.value),
    ].map(({ node, output }) => `${node.id}.${output}`),
  );
  const about = description(graph, nodes);
  const type = key.charAt(0).toUpperCase() + key.slice(1);
  const list = (nodes: readonly Node[]): string => typeLiteral(byName(nodes).map(nameOf), "  ");
  const results = (role: "output" | "state"): string =>
    typeLiteral(
      graph.outputs.filter((output) => output.role === role).map((output) => output.name),
      "  ",
    );
  const batch = nodes.filter(isBatch);
  const scalars = nodes.filter(isScalar);
  const state = nodes.filter((node) => node.kind === "state");
  out.add(
    [
      `\nexport type ${type}Arguments<T> = {`,
      `  readonly inputs: ${list(batch)};`,
      `  readonly scalars: ${list(scalars)};`,
      `  readonly state: ${list(state)};`,
      "  /** The batch size. */",
      "  readonly n: number;",
      "};",
      `\nexport type ${type}Results<T> = {`,
      `  readonly outputs: ${results("output")};`,
      `  readonly state: ${results("state")};`,
      "};",
      `\n/** ${text.summary} */`,
    ].join("\n"),
    text.span,
  );
  const body = new (class {
    readonly lines = out;
  })();
  void body;
  void about;
  const writer = new FunctionWriter(text, out, names, constants, used);
  writer.sections(sections);
  writer.result();
}
