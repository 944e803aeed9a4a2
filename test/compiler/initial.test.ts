/** @file `init`: which tensors of a file become which weights, and what is reported where they do not fit. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { InitialTensor, StateSpec } from "@dlc/runtime";
import { afterAll, describe, expect, it } from "vitest";
import { arrangement } from "../../compiler/2-lower/initial/axes.js";
import { alongTime, keepsPlaces } from "../../compiler/2-lower/initial/channel-order.js";
import { planOf } from "../../compiler/2-lower/initial/fit.js";
import { kerasTable } from "../../compiler/2-lower/initial/keras.js";
import { layouts } from "../../compiler/2-lower/initial/plan.js";
import { pytorchTable } from "../../compiler/2-lower/initial/pytorch.js";
import { starsOf } from "../../compiler/2-lower/initial/stars.js";
import { layers as registry } from "../../compiler/layers/index.js";
import { compile } from "../../compiler/pipeline.js";
import { writeSafetensors } from "../../runtime/checkpoint/safetensors.js";
import { zeros } from "../../runtime/tensor.js";

const folder = mkdtempSync(join(tmpdir(), "dlc-init-"));
afterAll(() => rmSync(folder, { recursive: true }));

type Shapes = Readonly<Record<string, readonly number[]>>;

let count = 0;

interface Outcome {
  /** By our tensor: the names there. */
  readonly plan: Readonly<Record<string, readonly string[]>>;
  readonly tensors: Readonly<Record<string, readonly InitialTensor[]>>;
  /** Code, and the text that is blamed. */
  readonly reports: readonly (readonly [code: string, text: string])[];
  readonly messages: readonly string[];
  readonly state: Readonly<Record<string, StateSpec>>;
}

/** Compiles two dense layers (or others) that start from a file with these tensors. */
async function start(
  shapes: Shapes,
  init: string,
  layers = "[{ dense: 3, as: body }, { dense: 2, as: head }]",
  more = "",
  dtype: "f32" | "i32" = "f32",
): Promise<Outcome> {
  const name = `case-${++count}`;
  const tensors = Object.entries(shapes).map(([key, shape]) => [key, zeros(dtype, shape)]);
  writeFileSync(join(folder, `${name}.safetensors`), writeSafetensors(Object.fromEntries(tensors)));
  const text = `dlc: 1
name: example
data: { source: { arrays: true }, features: { x: { type: vector, shape: [4] } }, targets: { y: { type: category, classes: [a, b] } } }
${more}
model: { layers: ${layers} }
train: { loss: cross_entropy }
init: { from: ${name}.safetensors, ${init} }
`;
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, text);
  const { model, diagnostics } = await compile(file);
  const found = model?.initial?.tensors ?? {};
  return {
    tensors: found,
    plan: Object.fromEntries(
      Object.entries(found).map(([key, sources]) => [key, sources.map((source) => source.name)]),
    ),
    reports: diagnostics.all.map(({ code, span }) => [
      code,
      span === null ? "" : text.slice(span.start, span.end),
    ]),
    messages: diagnostics.all.map(({ message, help }) => `${message} ${help ?? ""}`),
    state: model?.state ?? {},
  };
}

const linear = (name: string, inputs: number, outputs: number): Shapes => ({
  [`${name}.weight`]: [outputs, inputs],
  [`${name}.bias`]: [outputs],
});
const dense = (name: string, inputs: number, outputs: number): Shapes => ({
  [`${name}.kernel`]: [inputs, outputs],
  [`${name}.bias`]: [outputs],
});
const body = ["body.kernel", "body.bias"];
const head = ["head.kernel", "head.bias"];
const file = (): string => `case-${count}.safetensors`;

describe("dlc's own files", () => {
  it("fit by name", async () => {
    const { plan, reports } = await start({ ...dense("body", 4, 3), ...dense("head", 3, 2) }, "");
    expect(reports).toEqual([]);
    expect(Object.keys(plan)).toEqual([...body, ...head]);
    expect(plan["head.bias"]).toEqual(["head.bias"]);
  });

  it("fit renamed, and in the part that 'only' and 'missing' say", async () => {
    const old = dense("stem", 4, 3);
    expect((await start(old, "map: { stem: body }, only: body")).plan).toEqual({
      "body.kernel": ["stem.kernel"],
      "body.bias": ["stem.bias"],
    });
    expect(Object.keys((await start(old, "map: { stem: body }, missing: keep")).plan)).toEqual(
      body,
    );
    const both = await start({ ...old, ...dense("head", 3, 2) }, "map: { stem: body }, only: body");
    expect([Object.keys(both.plan), both.reports]).toEqual([body, []]);
  });

  it("give their moving averages, which are what was evaluated", async () => {
    const { plan, reports } = await start(
      { ...dense("body", 4, 3), "body.kernel:average": [4, 3], ...dense("head", 3, 2) },
      "",
    );
    expect(reports).toEqual([]);
    expect(plan["body.kernel"]).toEqual(["body.kernel:average"]);
  });

  it("are not matched by shape alone", async () => {
    const { reports, messages } = await start({ ...dense("a", 4, 3), ...dense("b", 3, 2) }, "");
    expect(reports).toEqual([["init-missing", file()]]);
    expect(messages[0]).toContain("body.kernel, body.bias, head.kernel, head.bias");
    expect(messages[0]).toContain("a.bias [3]");
  });

  it("are not what another tool wrote, whose layout is then named", async () => {
    const torch = { ...linear("body", 4, 3), ...linear("head", 3, 2) };
    const keras = { "layers/dense/vars/0": [4, 3], "layers/dense/vars/1": [3] };
    const advice = async (shapes: Shapes, init: string): Promise<string> =>
      (await start(shapes, init)).messages.join();
    expect(await advice(torch, "")).toContain("`layout: pytorch`");
    expect(await advice(linear("a", 4, 3), "missing: keep")).toContain("`layout: pytorch`");
    expect(await advice(keras, "")).toContain("`layout: keras`");
    expect(await advice(dense("a", 4, 3), "")).not.toContain("layout");
  });

  it("say of tensors that are left over if they hold no weights", async () => {
    const { messages } = await start({ steps: [3] }, "", undefined, "", "i32");
    expect(messages[0]).toContain("steps [3] (I32, which cannot be a weight)");
  });

  it("match a block or network as a whole", async () => {
    const blocks =
      "blocks: { part: { layers: [{ dense: 3, as: first }, { dense: 3, as: second }] } }";
    const shapes = {
      ...dense("old/first", 4, 3),
      ...dense("old/second", 3, 3),
      ...dense("head", 3, 2),
    };
    const layers = "[{ block: part, as: stem }, { dense: 2, as: head }]";
    const { plan, reports } = await start(shapes, "map: { old: stem }", layers, blocks);
    expect(reports).toEqual([]);
    expect(plan["stem/second.kernel"]).toEqual(["old/second.kernel"]);
  });
});

describe("files of other tools", () => {
  it("match by shapes where only one fits, and are transposed", async () => {
    const { tensors, reports } = await start(
      { ...linear("fc1", 4, 3), ...linear("fc2", 3, 2) },
      "layout: pytorch",
    );
    expect(reports).toEqual([]);
    expect(tensors["body.kernel"]).toEqual([
      { name: "fc1.weight", shape: [3, 4], steps: [{ kind: "transpose", perm: [1, 0] }] },
    ]);
    expect(tensors["body.bias"]).toEqual([{ name: "fc1.bias", shape: [3], steps: [] }]);
  });

  const twins = "[{ dense: 4, as: one }, { dense: 4, as: two }, { dense: 2, as: head }]";

  it("match in the order of their numbers, and not at all where there are none", async () => {
    const numbered = {
      ...linear("net.10", 4, 4),
      ...linear("net.2", 4, 4),
      ...linear("out", 4, 2),
    };
    const { plan } = await start(numbered, "layout: pytorch", twins);
    expect(plan["one.kernel"]).toEqual(["net.2.weight"]);
    expect(plan["two.kernel"]).toEqual(["net.10.weight"]);
    const named = { ...linear("left", 4, 4), ...linear("right", 4, 4), ...linear("out", 4, 2) };
    const { reports, messages } = await start(named, "layout: pytorch", twins);
    expect(reports).toEqual([["init-ambiguous", file()]]);
    expect(messages[0]).toMatch(/^one, two could each be any of left, right/);
  });

  it("match names that the user gave, but not numbers that dlc gave", async () => {
    const named = { ...linear("two", 4, 4), ...linear("one", 4, 4), ...linear("out", 4, 2) };
    expect((await start(named, "layout: pytorch", twins)).plan["two.bias"]).toEqual(["two.bias"]);
    // Keras counts from `dense`, dlc from `dense_1`.
    const keras = {
      "dense_1/kernel": [4, 4],
      "dense_1/bias": [4],
      "dense/kernel": [4, 4],
      "dense/bias": [4],
      "out/kernel": [4, 2],
      "out/bias": [2],
    };
    const { plan } = await start(keras, "layout: keras", "[dense: 4, dense: 4, dense: 2]");
    expect(plan["dense_1.kernel"]).toEqual(["dense/kernel"]);
    expect(plan["dense_2.kernel"]).toEqual(["dense_1/kernel"]);
  });

  it("follow stars, and single tensors", async () => {
    const old = { ...linear("module.body", 4, 3), ...linear("module.head", 3, 2) };
    const { plan } = await start(old, 'layout: pytorch, map: { "module.*": "*" }');
    expect(plan["head.kernel"]).toEqual(["module.head.weight"]);
    const loose = { "w.1": [3, 4], "b.1": [3], ...linear("head", 3, 2) };
    const single = await start(loose, "layout: pytorch, map: { w.1: body.kernel, b.1: body.bias }");
    expect(single.reports).toEqual([]);
    expect(single.tensors["body.kernel"]?.[0]?.steps).toEqual([
      { kind: "transpose", perm: [1, 0] },
    ]);
  });

  it("warn of what goes nowhere, unless the spec says so", async () => {
    const more = { ...linear("a", 4, 3), ...linear("b", 3, 2), ...linear("rest", 9, 9) };
    const { reports, plan } = await start(more, "layout: pytorch");
    expect(reports).toEqual([["init-unused", file()]]);
    expect(Object.keys(plan)).toEqual([...body, ...head]);
    expect((await start(more, "layout: pytorch, map: { rest: null }")).reports).toEqual([]);
    const single = { ...linear("a", 4, 3), ...linear("b", 3, 2), "rest.x": [9] };
    expect((await start(single, "layout: pytorch, map: { rest.x: null }")).reports).toEqual([]);
  });

  it("may lack what starts anew", async () => {
    const { plan, reports } = await start(
      { ...linear("a", 4, 3), ...linear("fc", 3, 1000) },
      "layout: pytorch, map: { fc: null }, missing: keep",
    );
    expect([Object.keys(plan), reports]).toEqual([body, []]);
  });

  it("understand what is several modules there and one layer here", async () => {
    const layers =
      "[{ reshape: [2, 2, 1] }, { separable_conv2d: { filters: 3, kernel: 2 } }, flatten, { dense: 2, as: head }]";
    const shapes = {
      "block.depthwise.weight": [1, 1, 2, 2],
      "block.pointwise.weight": [3, 1, 1, 1],
      "block.pointwise.bias": [3],
      ...linear("head", 3, 2),
    };
    const { plan, reports } = await start(shapes, "layout: pytorch", layers);
    expect(reports).toEqual([]);
    expect(plan["separable_conv2d_1.pointwise_kernel"]).toEqual(["block.pointwise.weight"]);
  });
});

describe("mistakes", () => {
  const torch = { ...linear("a", 4, 3), ...linear("b", 3, 2) };
  const cases: readonly (readonly [string, Shapes, string, string, string])[] = [
    ["init-unknown-source", torch, "layout: pytorch, map: { aa.bias: body }", "aa.bias", "a, b"],
    ["init-shape", torch, "layout: pytorch, map: { a: head }", "a", "[2, 3]"],
    ["init-shape", torch, "layout: pytorch, map: { a.bias: head.bias }", "a.bias", "[2]"],
    ["init-twice", torch, "layout: pytorch, map: { a: body, b: body }", "b", "both a and b"],
    ["unmatched-name", torch, 'layout: pytorch, map: { "a*": "x*" }', '"x*"', "body"],
    ["unmatched-name", torch, "layout: pytorch, only: heda", "heda", "head"],
    [
      "init-extra",
      { ...torch, "a.scale": [3] },
      "layout: pytorch, map: { a: body }",
      "a",
      "also has scale",
    ],
    [
      "init-tensor-missing",
      { "a.weight": [3, 4], ...linear("b", 3, 2) },
      "layout: pytorch, map: { a: body }",
      "a",
      "has no bias",
    ],
  ];

  it.each(cases)("are located: %s", async (code, shapes, init, text, message) => {
    const { reports, messages } = await start(shapes, init);
    expect(reports[0]).toEqual([code, text]);
    expect(messages[0]).toContain(message);
  });

  it("are a file in which nothing fits, even where things may be missing", async () => {
    const { reports } = await start(linear("a", 9, 9), "layout: pytorch, missing: keep");
    expect(reports).toEqual([["init-nothing", file()]]);
  });

  it("are numbers that cannot be weights", async () => {
    writeFileSync(
      join(folder, "case-int.safetensors"),
      writeSafetensors({ "a.weight": zeros("i32", [3, 4]), "a.bias": zeros("f32", [3]) }),
    );
    const spec = join(folder, "int.yaml");
    writeFileSync(
      spec,
      "dlc: 1\nname: example\ndata: { source: { arrays: true }, features: { x: { type: vector, shape: [4] } }, targets: { y: { type: vector, shape: [3] } } }\nmodel: { layers: [{ dense: 3, as: body }] }\ntrain: { loss: mse }\ninit: { from: case-int.safetensors, layout: pytorch, map: { a: body } }\n",
    );
    const { diagnostics } = await compile(spec);
    expect(diagnostics.all.map(({ code }) => code)).toEqual(["init-not-float"]);
  });

  it("are layers that the other tool does not have", async () => {
    const layers = "[{ feed_forward: 3, as: body }, { dense: 2, as: head }]";
    const { reports } = await start(
      { "f/hidden": [4, 3], "head/kernel": [4, 2], "head/bias": [2] },
      "layout: keras, map: { f: body }",
      layers,
    );
    expect(reports).toEqual([["init-without-counterpart", "f"]]);
  });

  it("are files that are missing or damaged", async () => {
    const at = async (from: string): Promise<readonly (string | null)[]> => {
      const spec = join(folder, "from.yaml");
      const text = `dlc: 1\nname: example\ndata: { source: { arrays: true }, features: { x: { type: vector, shape: [4] } }, targets: { y: { type: vector, shape: [3] } } }\nmodel: { layers: [dense: 3] }\ntrain: { loss: mse }\ninit: ${from}\n`;
      writeFileSync(spec, text);
      const { diagnostics } = await compile(spec, { checkData: false });
      const [only] = diagnostics.all;
      const { start = 0, end = 0 } = only?.span ?? {};
      return [only?.code ?? null, text.slice(start, end), only?.label ?? null];
    };
    writeFileSync(join(folder, "weights.safetensors"), "not what it says");
    expect(await at("weights.safetensors")).toEqual([
      "not-safetensors",
      "weights.safetensors",
      null,
    ]);
    writeFileSync(join(folder, "weights.safetensors"), "\x40\0\0\0\0\0\0\0{ cut off");
    expect((await at("weights.safetensors"))[0]).toBe("damaged-weights");
    expect(await at("wieghts.safetensors")).toEqual([
      "weights-not-found",
      "wieghts.safetensors",
      "did you mean 'weights.safetensors'?",
    ]);
    expect((await at("../nowhere/run"))[0]).toBe("weights-not-found");
  });

  it("is a section that nothing trains with", async () => {
    const spec = join(folder, "idle.yaml");
    writeFileSync(
      spec,
      "dlc: 1\nname: example\ndata: { source: { arrays: true }, features: { x: { type: vector, shape: [4] } }, targets: {} }\nmodel: { layers: [dense: 3] }\ninit: nowhere.safetensors\n",
    );
    const { diagnostics } = await compile(spec);
    expect(diagnostics.all.map(({ code }) => code)).toContain("setting-without-effect");
  });
});

describe("the example in README.md", () => {
  it("compiles with such a file, and warns of nothing", async () => {
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
    const [, fragment = ""] = /## Fine-tuning[\s\S]*?```yaml\n([\s\S]*?)```/.exec(readme) ?? [];
    const shapes: Shapes = {
      "features.0.weight": [16, 1, 3, 3],
      "features.0.bias": [16],
      "features.1.weight": [16],
      "features.1.bias": [16],
      "features.1.running_mean": [16],
      "features.1.running_var": [16],
      ...linear("classifier.0", 16 * 4 * 4, 64),
      ...linear("fc", 64, 1000),
    };
    const tensors = Object.entries(shapes).map(([key, shape]) => [key, zeros("f32", shape)]);
    writeFileSync(
      join(folder, "resnet.safetensors"),
      writeSafetensors(Object.fromEntries(tensors)),
    );
    const spec = join(folder, "readme.yaml");
    writeFileSync(
      spec,
      `dlc: 1\nname: example\ndata: { source: { arrays: true }, features: { image: { type: image, shape: [8, 8, 1] } }, targets: { y: { type: category, classes: [a, b] } } }\n${fragment}`,
    );
    const { model, diagnostics } = await compile(spec);
    expect(diagnostics.all).toEqual([]);
    const { tensors: plan = {} } = model?.initial ?? {};
    expect(Object.keys(plan)).toEqual([
      ...["conv.kernel", "conv.bias", "batch_norm_1.scale", "batch_norm_1.offset"],
      ...["batch_norm_1.mean", "batch_norm_1.variance", "hidden.kernel", "hidden.bias"],
    ]);
    // Behind the flatten: PyTorch has (16, 4, 4), dlc (4, 4, 16).
    expect(plan["hidden.kernel"]?.[0]?.steps.at(-1)).toEqual({
      kind: "channels_last",
      axis: 0,
      pieces: [[4, 4, 16]],
    });
  });
});

describe("the tables", () => {
  /** Layers with weights that a tool has no single counterpart of. */
  const without: Readonly<Record<string, readonly string[]>> = {
    pytorch: [],
    keras: ["attention", "feed_forward"],
  };
  /** A layer has weights if its file asks for some: found by lowering its example is done elsewhere. */
  const tables = { pytorch: pytorchTable, keras: kerasTable };

  it.each(Object.entries(tables))("of %s name layers that there are", (_, table) => {
    expect(Object.keys(table).filter((type) => !registry.has(type))).toEqual([]);
  });

  it("know the same layers, but for those without a counterpart", () => {
    const types = [...new Set(Object.values(tables).flatMap((table) => Object.keys(table)))];
    for (const [name, table] of Object.entries(tables)) {
      expect(types.filter((type) => !(type in table)).sort()).toEqual(without[name]);
    }
  });

  it("trace channels through layers that there are", () => {
    const unknown = [...keepsPlaces, ...alongTime].filter((type) => !registry.has(type));
    expect(unknown).toEqual([]);
  });

  it("keep the number of elements, whatever they do", () => {
    const order = { input: new Map(), output: new Map() };
    for (const [name, table] of Object.entries(tables)) {
      for (const [type, rules] of Object.entries(table)) {
        for (const [tensor, rule] of Object.entries(rules)) {
          const shape = rule.axes === undefined ? [24] : shapeFor(rule.axes);
          const receiver = { name: "layer", fields: { multiplier: 2 } };
          const layout = layouts[name as keyof typeof layouts];
          const plan = planOf(rule, shape, receiver, layout, order);
          const count = (list: readonly number[]): number => list.reduce((a, b) => a * b, 1);
          const share = rule.part === undefined ? 1 : rule.part.of / (rule.part.count ?? 1);
          expect([type, tensor, count(plan.shape)]).toEqual([type, tensor, count(shape) * share]);
        }
      }
    }
  });

  /** A shape for the right side of a rule's axes. */
  function shapeFor(axes: string): readonly number[] {
    const here =
      axes
        .split("->")[1]
        ?.trim()
        .match(/\([^)]*\)|\S+/g) ?? [];
    return here.map((axis) => (axis === "1" ? 1 : 6));
  }
});

describe("axes", () => {
  it("give shapes and steps", () => {
    expect(arrangement("h w c m -> (c m) 1 h w", [8, 1, 3, 5], { m: 2 })).toEqual({
      shape: [3, 5, 4, 2],
      steps: [
        { kind: "transpose", perm: [2, 3, 0, 1] },
        { kind: "reshape", shape: [8, 1, 3, 5] },
      ],
    });
  });

  it("tell a table that does not fit", () => {
    expect(() => arrangement("h w -> h", [3], {})).toThrow();
    expect(() => arrangement("(c m) -> (c m)", [7], { m: 2 })).toThrow();
    expect(() => arrangement("1 g -> 1 g", [2, 3], {})).toThrow();
  });
});

describe("stars", () => {
  it("stand for the shortest text that fits", () => {
    expect(starsOf("layer*.conv*", "layer1.0.conv2")).toEqual(["1.0", "2"]);
    expect(starsOf("*.*", "a.b.c")).toEqual(["a", "b.c"]);
    expect(starsOf("x*", "y")).toBeNull();
  });
});
