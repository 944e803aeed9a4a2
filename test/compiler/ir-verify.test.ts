import { expect, it } from "vitest";
import { Bug } from "../../compiler/ir/bug.js";
import { createBuilder } from "../../compiler/ir/builder.js";
import { parseGraph } from "../../compiler/ir/parse.js";
import type { Graph, GraphOutput, Node, Value } from "../../compiler/ir/types.js";
import { verifyGraph } from "../../compiler/ir/verify.js";

const sample = (): Graph =>
  parseGraph("(x: f32[n,4], state w: f32[4,2], state c: f32[2]) a = matmul x w bias=c; return a");

const result = (value: Value, name = "result", role: GraphOutput["role"] = "output"): Graph => ({
  name: "broken",
  outputs: [{ name, role, value }],
});

const rootOf = (graph: Graph): Node => graph.outputs[0]?.value.node as Node;

/** A graph whose only result is the sample's node with something changed. */
function broken(change: (node: Node) => Partial<Node>): Graph {
  const node = rootOf(sample());
  return result({ node: { ...node, ...change(node) }, output: 0 });
}

function expectBug(graph: Graph, message: RegExp, stage?: string): void {
  const verify = () => verifyGraph(graph, stage);
  expect(verify).toThrow(Bug);
  expect(verify).toThrow(message);
}

it("accepts what the builder makes", () => {
  expect(() => verifyGraph(sample())).not.toThrow();
});

it("re-infers types", () => {
  expectBug(
    broken(() => ({ types: [{ dtype: "f32", shape: ["n", 3] }] })),
    /matmul.*is said to give f32\[n,3\] but gives f32\[n,2\]/,
  );
  expectBug(
    broken(() => ({ types: [] })),
    /has none such|gives/,
  );
});

it("names the pass that ran last", () => {
  const graph = broken(() => ({ types: [{ dtype: "f32", shape: ["n", 3] }] }));
  expectBug(graph, /^after some-pass: matmul/, "some-pass");
});

it("counts inputs", () => {
  expectBug(
    broken((node) => ({ inputs: node.inputs.slice(0, 2) })),
    /matmul.*has 1 required inputs instead of 2/,
  );
});

it("knows the optional inputs of every op", () => {
  expectBug(
    broken(() => ({ optional: ["scale"] })),
    /no optional input 'scale'/,
  );
});

it("refuses inputs that do not fit", () => {
  const [x, , c] = rootOf(sample()).inputs as [Value, Value, Value];
  expectBug(
    broken(() => ({ inputs: [x, x, c] })),
    /matmul.*does not fit its inputs/,
  );
});

it("refuses ops that do not exist", () => {
  expectBug(
    broken(() => ({ kind: "flurb" as Node["kind"] })),
    /flurb.*is not an op/,
  );
});

it("refuses results that a node does not have", () => {
  const node = rootOf(sample());
  const b = createBuilder();
  const type = node.types[0] as (typeof node.types)[number];
  const kept = b.input("x", "batch", type.dtype, type.shape).node;
  const wrong: Value = { node: { ...node, types: [type] }, output: 1 };
  expectBug(
    result({ node: { ...kept, kind: "relu", inputs: [wrong], id: 99 }, output: 0 }),
    /uses result 1 of matmul/,
  );
});

it("finds cycles", () => {
  const node = rootOf(sample());
  const inputs = [...node.inputs];
  const loop: Node = { ...node, inputs };
  inputs[0] = { node: loop, output: 0 };
  expectBug(result({ node: loop, output: 0 }), /takes part in a cycle/);
});

it("finds nodes of two builders in one graph", () => {
  const [a, b] = [createBuilder(), createBuilder()];
  const x = a.input("x", "batch", "f32", ["n"]);
  const y = b.input("y", "batch", "f32", ["n"]);
  expectBug(
    result({ node: { ...x.node, id: 7, kind: "add", attrs: {}, inputs: [x, y] }, output: 0 }),
    /number of another node/,
  );
});

it("wants nodes numbered after their inputs", () => {
  expectBug(
    broken(() => ({ id: 1.5 })),
    /made before its input/,
  );
});

it("wants different names for inputs, state and results", () => {
  const b = createBuilder();
  const x = b.input("x", "batch", "f32", ["n"]);
  const w = b.state("x", "f32", []);
  expectBug(result(b.add(x, w)), /'x'.*shares its name/);
  const twice: Graph = { name: "g", outputs: [...result(x).outputs, ...result(b.neg(x)).outputs] };
  expectBug(twice, /called 'result'/);
});

it("lets no half in or out", () => {
  const b = createBuilder();
  const x = b.input("x", "batch", "f32", ["n"]);
  const half = b.cast(x, { dtype: "f16" });
  expectBug(result(half), /'result'.*is a half/);
  expectBug(result(b.input("y", "batch", "bf16", ["n"])), /comes from outside as a half/);
  expect(() => verifyGraph(result(b.cast(half, { dtype: "f32" })))).not.toThrow();
});

it("wants state results to keep the state's type", () => {
  const b = createBuilder();
  const w = b.state("w", "f32", [3]);
  const sum = b.sum(w, { axes: [0], keepDims: false });
  expectBug(result(sum, "w", "state"), /replaces the state 'w' \(f32\[3\]\) by f32/);
  expect(() => verifyGraph(result(b.neg(w), "w", "state"))).not.toThrow();
});
