/** @file Computes at compile time what depends on no input. */
import { isStatic, product } from "../ir/shape.js";
import { type Shape, shapeOf, type TensorType, typeOf, type Value } from "../ir/types.js";
import type { AnyOpDef, Inputs, ReferenceTensor } from "../ops/define-op.js";
import { opKinds, ops } from "../ops/index.js";
import { definePass, type Match, rule } from "./define-pass.js";
import { made } from "./match.js";

/** Larger constants would make the generated code longer than the work they save. */
const maxElements = 4096;

const isSmall = ({ shape }: TensorType): boolean => {
  const size = product(shape.every(isStatic) ? shape : ["n"]);
  return typeof size === "number" && size <= maxElements;
};

/** The tensor a constant stands for, or null for anything else. */
function constantTensor(value: Value): ReferenceTensor | null {
  const constant = made(value, "constant");
  const type = typeOf(value);
  if (constant === null || !isSmall(type)) return null;
  const shape = type.shape as readonly number[];
  const content = constant.attrs.value;
  const data = new Float64Array(product(shape) as number);
  if (typeof content === "number") data.fill(content);
  else data.set(content);
  return { dtype: type.dtype, shape, data };
}

function asConstant(b: Match["b"], { dtype, shape, data }: ReferenceTensor): Value {
  const [first = 0] = data;
  const uniform = data.every((entry) => Object.is(entry, first));
  return b.constant({ dtype, shape, value: uniform ? first : [...data] });
}

/** Are the dimensions in an op's attributes numbers? */
const hasStaticAttributes = (definition: AnyOpDef, attrs: Readonly<Record<string, unknown>>) =>
  (definition.shapeAttrs ?? []).every((key) => (attrs[key] as Shape).every(isStatic));

function evaluateConstant({ b, node, attrs }: Match): readonly Value[] | null {
  const definition: AnyOpDef = ops[node.kind as keyof typeof ops];
  if (!node.types.every(isSmall) || !hasStaticAttributes(definition, node.attrs)) return null;
  const inputs: ReferenceTensor[] = [];
  for (const input of node.inputs) {
    const tensor = constantTensor(input);
    if (tensor === null) return null;
    inputs.push(tensor);
  }
  const results = definition.evaluate(
    inputs as unknown as Inputs<ReferenceTensor>,
    attrs,
    node.optional,
  );
  return results.map((result) => asConstant(b, result));
}

export const foldConstants = definePass({
  name: "fold-constants",
  why: "Preprocessing constants and sizes known at compile time need no work at run time.",
  rules: [
    rule(
      "what depends on constants alone is a constant",
      opKinds.filter((kind) => kind !== "constant" && kind !== "scan"),
      {
        rewrite: (match) => evaluateConstant(match as unknown as Match),
        before:
          "() c = constant dtype=f32 shape=[2] value=[1,2]; d = constant dtype=f32 shape=[] value=3;" +
          "a = mul c d; return a",
        after: "() a = constant dtype=f32 shape=[2] value=[3,6]; return a",
      },
    ),
    rule("a repeated number is a constant of any shape", ["broadcastTo", "reshape"], {
      rewrite: ({ b, node, inputs: [x] }) => {
        const constant = made(x, "constant");
        if (constant === null || typeof constant.attrs.value !== "number") return null;
        const shape = shapeOf({ node, output: 0 });
        return b.constant({ ...typeOf(x), shape, value: constant.attrs.value });
      },
      before:
        "() c = constant dtype=f32 shape=[] value=3; a = broadcastTo c shape=[n,1000]; return a",
      after: "() a = constant dtype=f32 shape=[n,1000] value=3; return a",
    }),
  ],
});
