import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBuilder } from "../../compiler/ir/builder.js";
import { parseGraph } from "../../compiler/ir/parse.js";
import { printGraph } from "../../compiler/ir/print.js";
import { IrSyntaxError } from "../../compiler/ir/text.js";
import { verifyGraph } from "../../compiler/ir/verify.js";
import { trained } from "../support/lowering.js";
import { category, classNames, image, specOf } from "../support/spec.js";

const cnn = specOf({
  features: { picture: image(8, 8, 2) },
  targets: { kind: category(classNames(3)) },
  layers: `
    - conv2d: { filters: 3, kernel: 3, activation: relu }
    - batch_norm
    - max_pool2d: 2
    - flatten
    - dropout: 0.5
    - dense: 3
  `,
  train: { optimizer: { kind: "adam" }, l2: 0.01, clipNorm: 1 },
});

describe("round trip", () => {
  it("gives a training program's text again, with types, attributes and origins", () => {
    const { train, infer } = trained(cnn);
    for (const graph of [train, infer]) {
      const text = printGraph(graph);
      const again = parseGraph(text);
      verifyGraph(again);
      expect(printGraph(again)).toBe(text);
      expect(text).toContain("@ conv2d_1 conv2d forward");
    }
  });

  it("keeps any name and any number", () => {
    const number = fc.oneof(fc.double(), fc.constantFrom(Number.POSITIVE_INFINITY, Number.NaN, -0));
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string(), { minLength: 4, maxLength: 4 }),
        fc.array(number, { minLength: 1, maxLength: 4 }),
        ([feature = "", weight = "", layer = "", file = ""], value) => {
          const b = createBuilder();
          const x = b.input(feature, "batch", "f32", ["n", value.length]);
          b.origin = { layer, type: file, span: { file, start: 1, end: 5 }, phase: "backward" };
          const w = b.state(weight, "f32", [value.length]);
          const c = b.constant({ dtype: "f32", shape: [value.length], value });
          const outputs = [
            { name: layer, role: "output", value: b.add(x, c) },
            { name: weight, role: "state", value: b.mul(w, c) },
          ] as const;
          const text = printGraph({ name: file, outputs });
          const again = parseGraph(text);
          expect(printGraph(again)).toBe(text);
          expect(again.name).toBe(file);
          expect(again.outputs.map((output) => output.name)).toEqual([layer, weight]);
          const constant = again.outputs[0]?.value.node.inputs[1]?.node;
          expect(constant?.attrs.value).toEqual(value);
          expect(constant?.origin).toEqual(b.origin);
        },
      ),
    );
  });

  it("does not take constants for equal that JSON cannot tell apart", () => {
    const text = `()
      a = constant dtype=f32 shape=[] value=Infinity
      b = constant dtype=f32 shape=[] value=-Infinity
      c = constant dtype=f32 shape=[] value=NaN
      d = constant dtype=f32 shape=[] value=0
      e = constant dtype=f32 shape=[] value=-0
      return a, b, c, d, e`;
    const values = parseGraph(text).outputs.map(({ value }) => value.node.attrs.value);
    expect(values).toEqual([Infinity, -Infinity, Number.NaN, 0, -0]);
  });
});

it("reads the short form, with optional inputs by name and several results", () => {
  const graph = parseGraph(
    "(x: f32[n,4], state w: f32[4,2], state c: f32[2], scalar k: u32) a = matmul x w bias=c;" +
      "y, m, v = batchNormTrain a c c axis=1 epsilon=0.1; return y, probs=a, state c=m",
  );
  verifyGraph(graph);
  const [y, probs, c] = graph.outputs;
  expect(probs?.value.node.optional).toEqual(["bias"]);
  expect(probs?.name).toBe("probs");
  expect(c).toMatchObject({ name: "c", role: "state", value: { output: 1 } });
  expect(y?.value.node).toBe(c?.value.node);
});

describe("mistakes are told with their line", () => {
  const cases: readonly (readonly [string, number, RegExp])[] = [
    ["(x: f32[n])\nreturn y", 2, /no value 'y'/],
    ["(x: f32[n])\na = flurb x\nreturn a", 2, /'flurb' is not an op/],
    ["(x: f32[n])\n\na = constructor x\nreturn a", 3, /'constructor' is not an op/],
    ["(x: f32[n])\na = add x\nreturn a", 2, /takes 2 inputs, not 1/],
    ["(x: f32[n], y: f32[3])\na = add x y\nreturn a", 2, /broadcast/],
    ["(x: f32[n])\na: i32[n] = relu x\nreturn a", 2, /'a' is f32\[n\], not i32\[n\]/],
    ["(x: f32[n])\na = relu x\na = exp x\nreturn a", 3, /defined twice/],
    ["(x: f32[n])\na, b = relu x\nreturn a", 2, /1 results for 2 names/],
    ["(x: f64[n])\nreturn x", 1, /'f64' is not a type/],
    ["(x: f32[n])\na = relu x", 2, /no 'return'/],
    ["(x: f32[n])\nreturn x\nb = relu x", 3, /after the results/],
    ['(x: f32[n])\na = relu "x\nreturn a', 2, /unexpected '"'/],
    ["(x: f32[n]\nreturn x", 2, /expected/],
  ];
  for (const [text, line, message] of cases) {
    it(JSON.stringify(text), () => {
      const parse = () => parseGraph(text);
      expect(parse).toThrow(IrSyntaxError);
      expect(parse).toThrow(message);
      expect(parse).toThrow(new RegExp(`^line ${line}:`));
    });
  }
});
