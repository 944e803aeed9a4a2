/** @file One operation as source text: `o.conv2d(x, filter, { strides: [1, 1], …, bias })`. */
import type { OpKind } from "@dlc/runtime";
import type { Dim, Node, Value } from "../ir/types.js";
import type { AnyOpDef } from "../ops/define-op.js";
import { ops } from "../ops/index.js";
import type { ConstantTable } from "./constants.js";
import { Code, type Printable, print } from "./literal.js";
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
  (definitionOf(node).shapeAttrs ?? []).some((key) =>
    ((node.attrs[key] ?? []) as readonly Dim[]).some(isSymbolic),
  );

function options(node: Node, names: ValueNames, constants: ConstantTable): Record<string, Printable> {
  const { shapeAttrs = [] } = definitionOf(node);
  const required = node.inputs.length - node.optional.length;
  const entries = Object.entries(node.attrs).map(([key, value]): [string, Printable] => {
    if (shapeAttrs.includes(key)) return [key, (value as readonly Dim[]).map(dimCode)];
    const long = node.kind === "constant" && Array.isArray(value);
    return [key, long ? constants.reference(value as number[]) : (value as Printable)];
  });
  const optional = node.optional.map((key, i): [string, Printable] => [
    key,
    Code.of(names.of(node.inputs[required + i] as Value)),
  ]);
  return Object.fromEntries([...entries, ...optional]);
}

/** `used`: columns taken before the call on its first line. */
export function callOf(
  node: Node,
  names: ValueNames,
  constants: ConstantTable,
  used: number,
): string {
  const count = node.inputs.length - node.optional.length;
  const required = node.inputs.slice(0, count).map((value) => names.of(value));
  const tensors = definitionOf(node).variadic ? `[${required.join(", ")}]` : required.join(", ");
  const settings = options(node, names, constants);
  const start = `o.${node.kind}(${tensors}`;
  if (Object.keys(settings).length === 0) return `${start})`;
  const comma = tensors === "" ? "" : ", ";
  const taken = used + start.length + comma.length + 2;
  const text = print(settings, { indent: "  ", used: taken, plainKeys: true });
  return `${start}${comma}${text})`;
}
