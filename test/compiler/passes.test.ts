import { describe, expect, it } from "vitest";
import type { LoweredModel } from "../../compiler/2-lower/lowered-model.js";
import { rule } from "../../compiler/4-optimize/define-pass.js";
import {
  allPasses,
  optimize,
  optimizeForward,
  orderNodes,
  planLifetimes,
} from "../../compiler/4-optimize/index.js";
import { rewrite } from "../../compiler/4-optimize/rewrite.js";
import { Bug } from "../../compiler/ir/bug.js";
import { createBuilder } from "../../compiler/ir/builder.js";
import { parseGraph } from "../../compiler/ir/parse.js";
import { printGraph } from "../../compiler/ir/print.js";
import { nodesOf } from "../../compiler/ir/traverse.js";
import type { Graph } from "../../compiler/ir/types.js";
import { count, expectSameResults, normal, randomValues } from "../support/graphs.js";

const batch = 2;
const context = { mode: "training", layout: "NCHW", lacking: [] } as const;

/** Runs one pass by name; the results must stay what they were. */
function pass(name: string, text: string, options: Partial<typeof context> | object = {}): Graph {
  const before = parseGraph(text);
  const found = allPasses.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no pass '${name}'`);
  const { graph } = found.run(before, { ...context, ...options });
  expectSameResults(graph, before, randomValues(before, batch), batch);
  return graph;
}

const text = (graph: Graph): string => printGraph(graph);

describe("fold-constants", () => {
  it("leaves large constants to the run", () => {
    const source = (size: number) =>
      `() a = constant dtype=f32 shape=[${size}] value=2; b = constant dtype=f32 shape=[${size}] value=3;
       c = mul a b; return c`;
    expect(count(pass("fold-constants", source(100)), "mul")).toBe(0);
    expect(count(pass("fold-constants", source(100_000)), "mul")).toBe(1);
  });

  it("does not compute what depends on the batch size", () => {
    const graph = pass(
      "fold-constants",
      "() a = size shape=[n,4]; b = size shape=[3,4]; return a, b",
    );
    expect(text(graph)).toBe(
      normal("() a = size shape=[n,4]; b = constant dtype=f32 shape=[] value=12; return a, b"),
    );
  });
});

describe("remove-identities", () => {
  it("drops every kind of movement that moves nothing", () => {
    const graph = pass(
      "remove-identities",
      `(x: f32[n,4,4,2]) a = slice x axes=[1] starts=[0] ends=[4];
       b = pad a before=[0,0,0,0] after=[0,0,0,0] value=0; c = broadcastTo b shape=[n,4,4,2];
       d = resizeNearest c scale=[1,1]; e = stopGradient d; return e`,
    );
    expect(text(graph)).toBe(normal("(x: f32[n,4,4,2]) return x"));
  });
});

describe("simplify-algebra", () => {
  it("keeps what only looks like an identity", () => {
    // Adding zeros of a larger shape broadcasts.
    const source = "(x: f32[3]) c = constant dtype=f32 shape=[n,3] value=0; a = add x c; return a";
    expect(count(pass("simplify-algebra", source), "add")).toBe(1);
  });
});

describe("sink-reshapes", () => {
  it("reduces added axes by reshaping", () => {
    const graph = pass(
      "sink-reshapes",
      "(x: f32[n,3]) a = reshape x shape=[n,1,3]; b = mean a axes=[1]; return b",
    );
    expect(text(graph)).toBe(normal("(x: f32[n,3]) return x"));
  });
});

describe("merge-duplicates", () => {
  it("drops what no result needs", () => {
    const graph = pass("merge-duplicates", "(x: f32[n]) a = exp x; b = log x; return a");
    expect(nodesOf(graph).map(({ kind }) => kind)).toEqual(["input", "exp"]);
  });
});

describe("fuse-linear", () => {
  it("does not fuse what something else reads", () => {
    const source =
      "(x: f32[n,4], state w: f32[4,2], state c: f32[2]) a = matmul x w; b = add a c; d = relu b;" +
      "return d, a, b";
    expect(text(pass("fuse-linear", source))).toBe(normal(source));
  });

  it("finds biases that are shaped for the layout, on either side", () => {
    const graph = pass(
      "fuse-linear",
      `(x: f32[n,2,5,5], state w: f32[3,2,3,3], state c: f32[3,1,1]) a = conv2d x w layout=NCHW;
       b = add c a; d = tanh b; return d`,
    );
    const node = nodesOf(graph).find(({ kind }) => kind === "conv2d");
    expect(node?.attrs.activation).toBe("tanh");
    expect(node?.optional).toEqual(["bias"]);
  });

  it("leaves additions along other axes alone", () => {
    const source =
      "(x: f32[n,5,5,2], state w: f32[3,2,3,3], state c: f32[3,1]) a = conv2d x w; b = add a c; return b";
    expect(text(pass("fuse-linear", source))).toBe(normal(source));
  });

  it("gives the fused op the place of the linear op", () => {
    const graph = pass(
      "fuse-linear",
      `(x: f32[n,4], state w: f32[4,2]) a = matmul x w  # @ dense_1 dense forward
       b = relu a  # @ relu_1 relu forward
       return b`,
    );
    expect(graph.outputs[0]?.value.node.origin.layer).toBe("dense_1");
  });
});

describe("simplify-gradients", () => {
  it("masks and sums pooled gradients, not unpooled ones", () => {
    const graph = pass(
      "simplify-gradients",
      `(z: f32[n,5,5,2], dy: f32[n,2,2,2]) x = relu z; y = maxPool2d x kernel=[2,2] strides=[2,2];
       a = maxPool2dGrad x y dy kernel=[2,2] strides=[2,2]; b = reluGrad a x; s = sum b axes=[0,1,2];
       return b, s`,
    );
    expect(text(graph)).toBe(
      normal(
        `(z: f32[n,5,5,2], dy: f32[n,2,2,2]) x = relu z; y = maxPool2d x kernel=[2,2] strides=[2,2];
         a = reluGrad dy y; b = maxPool2dGrad x y a kernel=[2,2] strides=[2,2]; s = sum a axes=[0,1,2];
         return b, s`,
      ),
    );
  });

  it("counts repetitions along some axes and sums the others", () => {
    const graph = pass(
      "simplify-gradients",
      `(x: f32[n,1,3]) a = broadcastTo x shape=[4,n,5,3]; s = sum a axes=[0,1,2];
       m = mean a axes=[2,3]; return s, m`,
    );
    expect(count(graph, "sum")).toBe(1);
    expect(
      nodesOf(graph).every(
        ({ types }) => (types[0]?.shape.length ?? 0) < 4 || types[0]?.shape[2] === 1,
      ),
    ).toBe(true);
  });
});

describe("convert-layout", () => {
  const transposes = (source: string) => count(pass("convert-layout", source), "transpose");

  it("turns a chain of image ops with one transpose each way", () => {
    const source = `(x: u8[n,6,6,3], state w: f32[4,3,3,3], state c: f32[4], state m: f32[4,1,4])
      a = cast x dtype=f32; b = conv2d a w; d = add b c; e = relu d; f = mul e m;
      g = pad f before=[0,1,1,0] after=[0,0,0,0] value=0.5; h = concat g g axis=3;
      i = slice h axes=[1,3] starts=[1,2] ends=[5,7]; j = maxPool2d i kernel=[2,2] strides=[2,2];
      k = reverse j axes=[1]; l = softmax k axis=3; return l`;
    const graph = pass("convert-layout", source);
    const moved = nodesOf(graph).filter(({ kind }) => kind === "transpose");
    // The image, the operand that differs along two axes of the image, and the result.
    expect(moved.map((node) => node.types[0]?.dtype)).toEqual(["u8", "f32", "f32"]);
  });

  it("maps the axes of reductions", () => {
    const source = (reduction: string) => `(x: f32[n,6,6,3], state w: f32[4,3,3,3])
      a = conv2d x w; b = ${reduction}; return b`;
    expect(transposes(source("mean a axes=[1,2]"))).toBe(1);
    expect(transposes(source("sum a axes=[0,1,2]"))).toBe(1);
    expect(transposes(source("max a axes=[3]"))).toBe(1);
    expect(transposes(source("argMax a axis=3"))).toBe(1);
    expect(transposes(source("mean a axes=[1,2] keepDims=true"))).toBe(1);
    expect(transposes(source("sum a axes=[1]"))).toBe(2);
    expect(transposes(source("argMax a axis=1"))).toBe(2);
  });

  it("uses reshapes where there is one channel or one pixel", () => {
    expect(
      transposes(`(x: f32[n,3,3,1], state w: f32[4,1,3,3]) a = conv2d x w; b = relu a; return b`),
    ).toBe(0);
  });

  it("transposes the narrower of two types", () => {
    const graph = pass(
      "convert-layout",
      `(x: f32[n,6,6,3], y: f32[n,6,6,3], state w: f32[4,3,3,3]) a = less x y; b = cast a dtype=f32;
       c = conv2d b w; d = sum c axes=[0,1,2,3]; return d`,
    );
    const moved = nodesOf(graph).filter(({ kind }) => kind === "transpose");
    expect(moved.map((node) => node.types[0]?.dtype)).toEqual(["bool"]);
  });

  it("changes nothing for targets that are channels-last", () => {
    const source = "(x: f32[n,6,6,3], state w: f32[4,3,3,3]) a = conv2d x w; return a";
    expect(text(pass("convert-layout", source, { layout: "NHWC" }))).toBe(normal(source));
  });
});

describe("crop-unused", () => {
  it("follows the demand through several layers to the input", () => {
    const source = `(x: u8[n,32,28,3], state w: f32[4,3,3,3], state v: f32[5,4,3,3], state c: f32[4])
      a = cast x dtype=f32; b = conv2d a w; d = add b c; e = relu d;
      f = maxPool2d e kernel=[2,2] strides=[2,2]; g = conv2d f v;
      h = maxPool2d g kernel=[2,2] strides=[2,2]; return h`;
    expect(text(pass("crop-unused", source))).toBe(
      normal(`(x: u8[n,32,28,3], state w: f32[4,3,3,3], state v: f32[5,4,3,3], state c: f32[4])
        s = slice x axes=[1,2] starts=[0,0] ends=[30,26]; a = cast s dtype=f32; b = conv2d a w;
        d = add b c; e = relu d; f = maxPool2d e kernel=[2,2] strides=[2,2]; g = conv2d f v;
        h = maxPool2d g kernel=[2,2] strides=[2,2]; return h`),
    );
  });

  it("takes padding away where it is not reached", () => {
    const graph = pass(
      "crop-unused",
      `(x: f32[n,7,7,2], state w: f32[3,2,3,3]) a = conv2d x w pads=[1,1,1,1];
       b = maxPool2d a kernel=[2,2] strides=[2,2]; return b`,
    );
    const node = nodesOf(graph).find(({ kind }) => kind === "conv2d");
    expect(node?.attrs.pads).toEqual([1, 1, 0, 0]);
    expect(node?.types[0]?.shape).toEqual(["n", 6, 6, 3]);
    expect(count(graph, "slice")).toBe(0);
  });

  it("computes every pixel that anything reads", () => {
    const source = (rest: string) => `(x: f32[n,7,7,2], state w: f32[3,2,3,3], z: f32[5,3])
      a = conv2d x w; b = maxPool2d a kernel=[2,2] strides=[2,2]; ${rest}`;
    for (const rest of [
      "c = sum a axes=[0,1,2]; return b, c",
      "return b, a",
      "c = mul a z; d = maxPool2d c kernel=[2,2] strides=[2,2]; return b, d",
    ]) {
      expect(text(pass("crop-unused", source(rest)))).toBe(normal(source(rest)));
    }
  });

  it("does not slice where no convolution gets smaller", () => {
    const source =
      "(x: f32[n,7,7,2]) a = relu x; b = maxPool2d a kernel=[2,2] strides=[2,2]; return b";
    expect(text(pass("crop-unused", source))).toBe(normal(source));
  });
});

describe("optimizeForward", () => {
  it("hands on weights by name, in the builder that differentiation goes on with", () => {
    const training = parseGraph(
      `(x: f32[n,7,7,2], state w: f32[3,2,3,3], state unused: f32[2]) a = conv2d x w;
       b = maxPool2d a kernel=[2,2] strides=[2,2]; c = mean b axes=[0,1,2,3]; return loss=c, kept=unused`,
    );
    const weights = nodesOf(training)
      .filter(({ kind }) => kind === "state")
      .map((node) => ({ name: String(node.attrs.name), value: { node, output: 0 }, decay: true }));
    const lowered = { training, weights, builder: createBuilder() } as unknown as LoweredModel;
    const smaller = optimizeForward(lowered);
    const graph = smaller.training as Graph;
    expect(count(graph, "slice")).toBe(1);
    for (const { name, value } of smaller.weights) {
      expect(nodesOf(graph)).toContain(value.node);
      expect(value.node.attrs.name).toBe(name);
      expect(smaller.builder?.state(name, "f32", value.node.types[0]?.shape ?? [])).toEqual(value);
    }
  });
});

describe("legalize", () => {
  it("expands repeatedly, down to what the target has", () => {
    const source = "(x: f32[n,3], t: f32[n,3]) a = softmaxCrossEntropy x t; return a";
    const lacking = ["softmaxCrossEntropy", "logSoftmax"];
    const graph = pass("legalize", source, { lacking });
    expect(nodesOf(graph).some(({ kind }) => lacking.includes(kind))).toBe(false);
    expect(count(graph, "exp")).toBeGreaterThan(0);
  });

  it("says so when a missing op has no expansion", () => {
    const source = "(x: f32[n]) a = exp x; return a";
    expect(() => pass("legalize", source, { lacking: ["exp"] })).toThrow(Bug);
    expect(() => pass("legalize", source, { lacking: ["exp"] })).toThrow(/exp.*no expansion/);
  });

  it("says so when an expansion needs the op itself", () => {
    const source = "(x: f32[n,3], state w: f32[3,2]) a = matmul x w activation=relu; return a";
    expect(() => pass("legalize", source, { lacking: ["matmul"] })).toThrow(/needs it/);
  });
});

describe("the rewriting engine", () => {
  const swap = rule("swap", "sub", {
    rewrite: ({ b, inputs: [x, y] }) => b.sub(y, x),
    before: "",
    after: "",
  });

  it("stops rules that undo each other", () => {
    const grow = rule("grow", "neg", {
      rewrite: ({ b, inputs: [x] }) => b.neg(b.exp(x)),
      before: "",
      after: "",
    });
    expect(() => rewrite(parseGraph("(x: f32[n]) a = neg x; return a"), [grow])).toThrow(
      /do not come to an end.*grow/,
    );
    expect(() =>
      rewrite(parseGraph("(x: f32[n], y: f32[n]) a = sub x y; return a"), [swap]),
    ).toThrow(/do not come to an end|not enough/);
  });
});

describe("orderNodes", () => {
  it("puts what belongs together next to each other, inputs first", () => {
    const graph = parseGraph(
      `(x: f32[n]) a = exp x  # @ a layer forward
       b = exp a  # @ b layer forward
       g = log b  # @ b layer backward
       h = sqrt a  # @ a layer forward
       u = add g x  # @ opt opt update
       i = neg h  # @ b layer forward
       return u, i`,
    );
    const names = orderNodes(graph).map(
      ({ kind, origin }) => `${origin.phase} ${origin.layer} ${kind}`,
    );
    expect(names).toEqual([
      "forward  input",
      "forward a exp",
      "forward a sqrt",
      "forward b exp",
      "forward b neg",
      "backward b log",
      "update opt add",
    ]);
  });
});

describe("planLifetimes", () => {
  it("adds up what is alive at once", () => {
    const graph = parseGraph(
      `(x: f32[n,10]) a = exp x; b = neg a; c = reshape b shape=[n,5,2]; d = sum c axes=[1,2]; return d`,
    );
    const plan = planLifetimes(graph);
    // a and b together; d starts when only b is left.
    expect(plan.peakBytes(1)).toBe(80);
    expect(plan.peakBytes(100)).toBe(8000);
    expect(plan.order[plan.peakAt(1)]?.kind).toBe("neg");
    expect(plan.inputBytes(3)).toBe(120);
    const [, a, b] = plan.order;
    expect(plan.lastUse.get(a as never)).toBe(2);
    expect(plan.lastUse.get(b as never)).toBe(3);
  });

  it("keeps results to the end", () => {
    const graph = parseGraph("(x: f32[10]) a = exp x; b = sum a axes=[0]; return a, b");
    expect(planLifetimes(graph).peakBytes(1)).toBe(44);
    expect(planLifetimes(graph).lastUse.get(graph.outputs[0]?.value.node as never)).toBe(3);
  });
});

it("verifies the graph before and between passes", () => {
  const graph = parseGraph("(x: f32[n]) a = exp x; return a");
  const node = { ...(graph.outputs[0]?.value.node as (typeof graph.outputs)[0]["value"]["node"]) };
  const broken = { ...node, types: [{ dtype: "i32", shape: ["n"] }] } as typeof node;
  const wrong: Graph = {
    name: "x",
    outputs: [{ name: "a", role: "output", value: { node: broken, output: 0 } }],
  };
  expect(() => optimize(wrong, context)).toThrow(/before optimisation: exp/);
});
