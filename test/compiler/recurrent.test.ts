/** @file Recurrence: loops and what is made of them, cells written as layers, long sequences. */
import { createEngine, type Program, scalar } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import { pullback } from "../../compiler/3-differentiate/backward.js";
import { optimize } from "../../compiler/4-optimize/index.js";
import { emitPackage } from "../../compiler/5-emit/emit-package.js";
import type { CompiledModel } from "../../compiler/compiled-model.js";
import { createBuilder } from "../../compiler/ir/builder.js";
import { evaluateValues } from "../../compiler/ir/evaluate.js";
import { parseGraph } from "../../compiler/ir/parse.js";
import { printGraph } from "../../compiler/ir/print.js";
import { nodesWithin } from "../../compiler/ir/traverse.js";
import { type Graph, shapeOf, type Value } from "../../compiler/ir/types.js";
import { overTime } from "../../compiler/layers/recurrent/over-time.js";
import { createWorkspace, loadProgram } from "../support/emitted.js";
import {
  blamedIn,
  compiledFrom,
  expectTrueGradients,
  reportsOf,
  specFrom,
} from "../support/from-yaml.js";
import { count, expectSameResults } from "../support/graphs.js";
import {
  lowered,
  noise,
  run,
  scalarOf,
  stateValues,
  tensor,
  type Values,
} from "../support/lowering.js";
import { toHost } from "../support/one-op-program.js";

const n = 3;

/** A spec over sequences of four numbers that ends in two classes, trained by plain descent. */
const yamlOf = (layers: string, steps = 6): string => `data:
  source: { arrays: true }
  features: { s: { type: vector, shape: [${steps}, 4] } }
  targets: { y: { type: category, classes: [a, b] } }
model:
  layers:
${layers.trim().replace(/^/gm, "    ")}
    - { dense: 2, as: scores }
train:
  loss: cross_entropy
  optimizer: { sgd: { learning_rate: 1 } }
`;

const batchOf = (steps = 6): Values => ({
  s: noise("s", [n, steps, 4], 1),
  y: tensor([n], [0, 1, 1], "i32"),
  learning_rate: scalarOf(1),
});

/** Random weights and a batch for a model's programs. */
const valuesOf = (model: CompiledModel, steps = 6): Values => ({
  ...stateValues(model.state),
  ...batchOf(steps),
});

const trainOf = (model: CompiledModel): Graph => {
  const { train } = model.programs;
  if (train === undefined) throw new Error("nothing to train");
  return train as Graph;
};

describe("cells written as layers", () => {
  const forms = {
    gru: {
      layer: "- { gru: { units: 5, return: sequence }, as: r }\n- flatten",
      cell: `- recurrent:
    states: { h: 5 }
    cell: [{ gru_cell: { units: 5, state: h }, as: next_h }]
    next: { h: next_h }
  as: r
- flatten`,
      inner: "r/next_h",
    },
    lstm: {
      layer: "- { lstm: { units: 5, go_backwards: true }, as: r }",
      cell: `- recurrent:
    states: { both: { size: 10 } }
    cell: [{ lstm_cell: { units: 5, state: both }, as: cell }]
    next: { both: cell.state }
    output: cell
    return: last
    reverse: true
  as: r`,
      inner: "r/cell",
    },
    simple_rnn: {
      layer: "- { simple_rnn: 5, as: r }",
      cell: `- recurrent:
    over: s
    states: { h: 5 }
    cell:
      - { dense: { units: 5, bias: true }, from: x, as: read }
      - { dense: { units: 5, bias: false }, from: h, as: kept }
      - add: [read, kept]
      - { tanh: {}, as: h_next }
    next: { h: h_next }
    return: last
  as: r`,
      inner: "",
    },
  };
  it.each(Object.entries(forms))("compute what the layer %s does", (_, { layer, cell, inner }) => {
    const [whole, parts] = [compiledFrom(yamlOf(layer)), compiledFrom(yamlOf(cell))];
    const values = valuesOf(whole);
    const renamed: Record<string, string> = {
      "r/read.kernel": "r.kernel",
      "r/read.bias": "r.bias",
      "r/kept.kernel": "r.recurrent_kernel",
    };
    const nameOf = (name: string): string =>
      inner === "" ? (renamed[name] ?? name) : name.replace(`${inner}.`, "r.");
    const own: Values = { ...batchOf() };
    for (const name of Object.keys(parts.state)) own[name] = values[nameOf(name)] as Values[string];
    const wanted = run(trainOf(whole), values, n);
    const found = run(trainOf(parts), own, n);
    expect(Object.keys(parts.state).map(nameOf).sort()).toEqual(Object.keys(whole.state).sort());
    for (const [name, value] of Object.entries(found)) {
      const other = wanted[name.startsWith("state:") ? `state:${nameOf(name.slice(6))}` : name];
      expect(other?.shape, name).toEqual(value.shape);
      value.data.forEach((v, i) => {
        expect(v).toBeCloseTo(other?.data[i] ?? Number.NaN, 9);
      });
    }
  });

  it("read layers from outside and start states as their outputs", () => {
    const model = compiledFrom(
      yamlOf(`- { lstm: { units: 5, return: sequence }, as: encoder }
- recurrent:
    over: s
    states: { h: { from: encoder.last }, g: { like: encoder.last } }
    cell:
      - { concat: [x, h, g, encoder.last], as: all }
      - { dense: { units: 5, activation: tanh }, as: h_next }
      - { multiply: [h_next, g], as: product }
      - { add: [product, encoder.last], as: g_next }
    next: { h: h_next, g: g_next }
    output: g_next
    return: last`),
    );
    const names = expectTrueGradients(trainOf(model), valuesOf(model), n, 1e-6);
    expect(names).toContain("encoder.recurrent_kernel");
    expect(names).toContain("recurrent_1/h_next.kernel");
  });

  it("count for the layer: weights and work of all steps", () => {
    const rowOf = (layers: string) => lowered(specFrom(yamlOf(layers))).layers[0];
    const [whole, parts] = [rowOf(forms.gru.layer), rowOf(forms.gru.cell)];
    expect(parts?.weights).toBe(whole?.weights);
    // The layer reads the whole sequence in one product: the same work in other places.
    expect(parts?.flops).toBeGreaterThan(6 * 2 * 4 * 15);
    expect(Math.abs((parts?.flops ?? 0) / (whole?.flops ?? 1) - 1)).toBeLessThan(0.2);
  });

  it("drop the same elements in every step", () => {
    const model = compiledFrom(
      yamlOf(`- recurrent:
    states: { h: 4 }
    cell: [{ add: [x, h] }, { dropout: 0.5, as: h_next }]
    next: { h: h_next }
- flatten`),
    );
    const graph = trainOf(model);
    expect(nodesWithin(graph).filter(({ kind }) => kind === "randomUniform")).toHaveLength(1);
  });
});

describe("mistakes in cells", () => {
  const cell = (parts: {
    states?: string;
    next?: string;
    cell?: string;
    output?: string;
  }): string =>
    yamlOf(`- recurrent:
    states: ${parts.states ?? "{ h: 3 }"}
    cell: ${parts.cell ?? "[{ concat: [x, h] }, { dense: 3, as: h_next }]"}
    next: ${parts.next ?? "{ h: h_next }"}
    return: last
    output: ${parts.output ?? "h_next"}`);

  it("are reported at their places", () => {
    expect(reportsOf(cell({}))).toEqual([]);
    expect(blamedIn(cell({ next: "{ h: h_nxt }" }))).toEqual([["unknown-reference", "h_nxt"]]);
    expect(blamedIn(cell({ output: "nothing" }))).toEqual([["unknown-reference", "nothing"]]);
    expect(blamedIn(cell({ states: "{ x: 3, h: 3 }" }))).toEqual([["wrong-form", "x"]]);
    expect(blamedIn(cell({ states: "{ h: { like: scores } }" }))).toEqual([["cycle", "scores"]]);
    expect(blamedIn(cell({ next: "[h_next]" }))).toEqual([["wrong-type", "[h_next]"]]);
  });

  it("blame a state that would change its shape", () => {
    const reports = reportsOf(cell({ states: "{ h: 7 }" }));
    expect(reports).toMatchObject([{ code: "shape-mismatch" }]);
    expect(reports[0]?.message).toContain(
      "the state 'h' is [n,7], but its next value 'h_next' is [n,3]",
    );
  });

  it("blame running statistics and inputs that are no sequences", () => {
    const normed = "[{ concat: [x, h] }, { dense: 3 }, { batch_norm: {}, as: h_next }]";
    expect(blamedIn(cell({ cell: normed }))).toEqual([["shape-mismatch", "batch_norm"]]);
    const flat = cell({}).replace("- recurrent:", "- flatten\n    - recurrent:");
    expect(blamedIn(flat)).toEqual([["shape-mismatch", "recurrent"]]);
  });

  it("blame inputs that a layer does not have, or that do not fit it", () => {
    const misspelt = yamlOf("- { lstm: 3, from: { input: s, stat: s } }");
    expect(blamedIn(misspelt)).toEqual([["unknown-key", "stat"]]);
    const twice = yamlOf(
      "- { lstm: 3, as: a }\n- { gru: { units: 3, state: a }, from: { input: s, state: a } }",
    );
    expect(blamedIn(twice)).toEqual([["inputs-twice", "a"]]);
    const narrow = yamlOf("- { gru: 4, as: a }\n- { lstm: { units: 3, state: a }, from: s }");
    expect(reportsOf(narrow)[0]?.message).toContain(
      "needs an initial state of [n,6], but gets [n,4]",
    );
    const plain = yamlOf("- { dense: 3, from: { input: s } }");
    expect(blamedIn(plain)[0]?.[0]).toBe("wrong-type");
  });

  it("blame outputs that a layer does not have", () => {
    const last = yamlOf("- { lstm: 3, as: a }\n- { dense: 2, from: a.sequense }");
    expect(blamedIn(last)).toEqual([["unknown-reference", "a.sequense"]]);
    const state = yamlOf("- { lstm: { units: 3, state: s }, as: a }");
    expect(blamedIn(state)).toMatchObject([["shape-mismatch", "s"]]);
  });
});

describe("loops", () => {
  /** h ← tanh(x + h·w), written out or not, with the gradients of a weighted sum of all results. */
  function values(unrollUpTo: number, reverse: boolean): readonly Value[] {
    const b = createBuilder();
    const input = (name: string, ...shape: (number | string)[]): Value =>
      b.input(name, "batch", "f32", shape);
    const [h, x, w] = [input("h", "n", 3), input("x", 4, "n", 3), input("w", 3, 3)];
    const { states, outputs } = overTime({
      b,
      states: [h],
      sequences: [x],
      reverse,
      unrollUpTo,
      step: ([before], [slice]) => {
        const product = b.matmul(before as Value, w, {
          transposeA: false,
          transposeB: false,
          activation: "none",
        });
        const next = b.tanh(b.add(slice as Value, product));
        return { states: [next], outputs: [next, b.square(next)] };
      },
    });
    const results = [...states, ...outputs];
    const seeds = results.map((value, i) => [value, input(`g${i}`, ...shapeOf(value))] as const);
    const gradients = pullback(b, seeds, [h, x, w]);
    return [...results, ...gradients.filter((value) => value !== null)];
  }

  it.each([false, true])("give what steps written out give (reverse: %s)", (reverse) => {
    const given: Values = {
      ...{ h: noise("h", [n, 3]), x: noise("x", [4, n, 3]), w: noise("w", [3, 3]) },
      ...{ g0: noise("g0", [n, 3]), g1: noise("g1", [4, n, 3]), g2: noise("g2", [4, n, 3]) },
    };
    const written = evaluateValues(values(4, reverse), given, n);
    const loop = evaluateValues(values(0, reverse), given, n);
    expect(loop).toHaveLength(written.length);
    written.forEach((tensor, i) => {
      expect(loop[i]?.shape).toEqual(tensor.shape);
      tensor.data.forEach((v, k) => {
        expect(v).toBeCloseTo(loop[i]?.data[k] ?? Number.NaN, 10);
      });
    });
  });

  it("are one forward and one backward loop for each layer, and one only in inference", () => {
    const model = compiledFrom(yamlOf("- lstm: { units: 5, return: sequence }\n- gru: 3"));
    expect(count(trainOf(model), "scan")).toBe(4);
    expect(count(model.programs.infer, "scan")).toBe(2);
  });

  it("drop the same inputs and states in every step, and only while training", () => {
    const layer = "- gru: { units: 4, dropout: 0.5, recurrent_dropout: 0.5 }";
    const model = compiledFrom(yamlOf(layer));
    const graph = trainOf(model);
    const masks = nodesWithin(graph).filter(({ kind }) => kind === "randomUniform");
    expect(masks.map((node) => shapeOf({ node, output: 0 }))).toEqual([
      ["n", 1, 4],
      ["n", 4],
    ]);
    const values = { ...valuesOf(model), random_key: scalarOf(77, "u32") };
    expectTrueGradients(graph, values, n, 1e-6);
    expect(count(model.programs.infer, "randomUniform")).toBe(0);
  });

  it("sum the gradients of weights outside of the loop", () => {
    const graph = trainOf(compiledFrom(yamlOf("- lstm: 5")));
    const loops = nodesWithin(graph).filter(({ kind }) => kind === "scan");
    // Carries of the reversed loop are the gradients of h and c, and no sum over the steps.
    expect(loops.map(({ attrs }) => attrs.carries)).toEqual([2, 2]);
    for (const { attrs } of loops) expect(count(attrs.body as Graph, "matmul")).toBe(1);
  });

  it("are printed and read back", () => {
    const graph = trainOf(compiledFrom(yamlOf("- gru: { units: 3, bidirectional: true }")));
    const text = printGraph(graph);
    const again = parseGraph(text);
    expect(printGraph(again)).toBe(text);
    expect(text).toContain("body={");
  });

  it("lose what is not read, in the loop as well", () => {
    const model = compiledFrom(yamlOf("- { gru: 3, as: g }\n- { dense: 4, from: g.last }"));
    const [loop] = nodesWithin(model.programs.infer).filter(({ kind }) => kind === "scan");
    expect(loop?.types).toHaveLength(1);
  });

  it("keep the meaning of a program through all passes", () => {
    const layers = "- lstm: { units: 4, bidirectional: true, return: sequence }\n- lstm: 3";
    const model = compiledFrom(yamlOf(layers));
    const twice = optimize(trainOf(model), { mode: "training", layout: "NCHW", lacking: [] });
    expectSameResults(twice, trainOf(model), valuesOf(model), n);
  });
});

describe("long sequences", () => {
  const modelOf = (steps: number): CompiledModel =>
    compiledFrom(yamlOf("- lstm: { units: 4, return: sequence }\n- gru: 3", steps));

  it("make no larger programs than short ones", async () => {
    const [short, long] = [modelOf(8), modelOf(784)];
    const nodes = (model: CompiledModel): number => nodesWithin(trainOf(model)).length;
    expect(nodes(long)).toBe(nodes(short));
    const lines = async (model: CompiledModel): Promise<number> =>
      (await emitPackage(model)).files.get("train.ts")?.split("\n").length ?? Number.NaN;
    // Longer numbers may break lines.
    expect(Math.abs((await lines(long)) - (await lines(short)))).toBeLessThan(20);
  });

  it("run on the engine as the reference computes them, from type-checked code", async () => {
    const model = modelOf(20);
    const workspace = createWorkspace();
    workspace.add(await emitPackage(model));
    const program = await loadProgram(workspace, "example", "train");
    const values = valuesOf(model, 20);
    const wanted = run(trainOf(model), values, n);
    const { engine } = await createEngine({ engine: "onnx", device: "cpu", threads: 1 });
    const found = await runTraining(program, model, values, engine);
    await engine.dispose();
    for (const [name, value] of Object.entries(wanted)) {
      const actual = found[name];
      value.data.forEach((v, i) => {
        expect(Math.abs(v - (actual?.data[i] ?? Number.NaN)), name).toBeLessThan(1e-5);
      });
    }
    expect(await workspace.typeErrors()).toEqual([]);
  });

  it("of 784 steps train", async () => {
    const model = modelOf(784);
    const workspace = createWorkspace();
    workspace.add(await emitPackage(model));
    const program = await loadProgram(workspace, "example", "train");
    const values = valuesOf(model, 784);
    const { engine } = await createEngine({ engine: "onnx", device: "cpu", threads: 1 });
    const found = await runTraining(program, model, values, engine);
    await engine.dispose();
    const kernel = found["state:lstm_1.recurrent_kernel"];
    expect([...(kernel?.data ?? [])].every(Number.isFinite)).toBe(true);
    expect([...(kernel?.data ?? [])]).not.toEqual([
      ...(values["lstm_1.recurrent_kernel"]?.data ?? []),
    ]);
  });
});

type Engine = Awaited<ReturnType<typeof createEngine>>["engine"];

/** One training step on an engine: outputs, and the new state as `state:<name>`. */
async function runTraining(
  program: Program,
  model: CompiledModel,
  values: Values,
  engine: Engine,
): Promise<Record<string, { readonly data: ArrayLike<number> & Iterable<number> }>> {
  const host = (name: string) => toHost(values[name] as Values[string]);
  const names = Object.keys(model.state);
  const state = engine.createState(
    model.state,
    Object.fromEntries(names.map((name) => [name, host(name)])),
  );
  const executable = await engine.prepare(program, n);
  const outputs = await executable.run({
    inputs: { s: host("s"), y: host("y") },
    scalars: { learning_rate: scalar("f32", 1).data[0] as number },
    state,
  });
  const next = await state.read();
  const named = Object.entries(next).map(([name, value]) => [`state:${name}`, value] as const);
  return { ...outputs, ...Object.fromEntries(named) } as never;
}
