/** @file One operation as source text: `o.conv2d(x, filter, { strides: [1, 1], …, bias })`. */
import type { OpKind } from "@dlc/runtime";
import { bodiesOf, nodesWithin } from "../ir/traverse.js";
import { type Dim, isGraph, type Node, type Value } from "../ir/types.js";
import type { AnyOpDef } from "../ops/define-op.js";
import { ops } from "../ops/index.js";
import type { ConstantTable } from "./constants.js";
import { Code, Fields, fill, type Printable, print } from "./literal.js";
import type { Identifier } from "./name-scope.js";
import type { ValueNames } from "./value-names.js";

/** The batch size, a parameter of every program. */
const batchSize = "n" as Identifier;

const definitionOf = (node: Node): AnyOpDef => ops[node.kind as OpKind];

const isSymbolic = (dim: Dim): dim is string => typeof dim === "string";

function dimCode(dim: Dim): Printable {
  if (!isSymbolic(dim)) return dim;
  return Code.times(dim === "n" ? 1 : Number(dim.slice(0, -1)), batchSize);
}

/** Does the call of this node mention the batch size? */
export const mentionsBatch = (node: Node): boolean =>
  node.kind !== "input" &&
  node.kind !== "state" &&
  ((definitionOf(node).shapeAttrs ?? []).some((key) =>
    ((node.attrs[key] ?? []) as readonly Dim[]).some(isSymbolic),
  ) ||
    bodiesOf(node).flatMap(nodesWithin).some(mentionsBatch));

function options(
  node: Node,
  names: ValueNames,
  constants: ConstantTable,
  bodyName: Identifier | null,
): Fields {
  const { shapeAttrs = [] } = definitionOf(node);
  const required = node.inputs.length - node.optional.length;
  const entries = Object.entries(node.attrs).map(([key, value]): [string, Printable] => {
    if (isGraph(value)) {
      if (bodyName === null) throw new Error(`the body of a ${node.kind} has no name`);
      return [key, Code.of(bodyName)];
    }
    if (shapeAttrs.includes(key)) return [key, (value as readonly Dim[]).map(dimCode)];
    const long = node.kind === "constant" && Array.isArray(value);
    return [key, long ? constants.reference(value as number[]) : (value as Printable)];
  });
  const optional = node.optional.map((key, i): [string, Printable] => [
    key,
    Code.of(names.of(node.inputs[required + i] as Value)),
  ]);
  return new Fields([...entries, ...optional], true);
}

const width = 100;

interface Room {
  /** Columns that the statement takes on the first line, and behind the call. */
  readonly before: number;
  readonly after: number;
  /** What the statement's lines begin with. */
  readonly indent: string;
}

/** `bodyName`: the function that is the op's body, if it has one. */
export function callOf(
  node: Node,
  names: ValueNames,
  constants: ConstantTable,
  { before, after, indent }: Room,
  bodyName: Identifier | null = null,
): string {
  const count = node.inputs.length - node.optional.length;
  const required = node.inputs.slice(0, count).map((value) => names.of(value));
  const { variadic } = definitionOf(node);
  const settings = options(node, names, constants, bodyName);
  const tensors = variadic ? `[${required.join(", ")}]` : required.join(", ");
  const start = `o.${node.kind}(`;
  const first = before + start.length + tensors.length;
  const bare = settings.entries.length === 0;
  if (bare && first + 1 + after <= width) return `${start}${tensors})`;
  // Options on the first line if all fits, else in lines of their own behind the tensors.
  const comma = tensors === "" ? "" : ", ";
  if (!bare && first + comma.length + 1 <= width) {
    const used = first + comma.length + 1 + after;
    return `${start}${tensors}${comma}${print(settings, { indent, used })})`;
  }
  const inner = `${indent}  `;
  const lines = variadic
    ? [`${inner}[`, ...fill(required, `${inner}  `), `${inner}],`]
    : fill(required, inner);
  if (!bare) lines.push(`${inner}${print(settings, { indent: inner, used: inner.length + 1 })},`);
  return `${start}\n${lines.join("\n")}\n${indent})`;
}
