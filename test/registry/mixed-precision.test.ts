/**
 * @file Every family of layers trained in halves: the first steps agree with those in f32 as far as the
 * format's digits go, and every engine that has halves computes what the rounding reference does.
 */
import { type HalfType, halfFormats, heavyOps } from "@dlc/runtime";
import { afterAll, describe, expect, it } from "vitest";
import { nodesOf, nodesWithin } from "../../compiler/ir/traverse.js";
import { type Graph, typeOf, type Value } from "../../compiler/ir/types.js";
import { createEagerEngine } from "../support/eager-engine.js";
import { createWorkspace } from "../support/emitted.js";
import { startTestEngine, testEngines } from "../support/engines.js";
import { compiledFrom } from "../support/from-yaml.js";
import { definitionOf, inPrecision, takeSteps } from "../support/mixed.js";

const classes = "targets: { y: { type: category, classes: [p, q] } }";
const picture = `
data:
  source: { arrays: true }
  features: { x: { type: image, shape: [8, 8, 2], scale: unit } }
  ${classes}`;
const rows = `
data:
  source: { arrays: true }
  features: { x: { type: vector, shape: [5, 3] } }
  ${classes}`;
const train = "train: { loss: cross_entropy, optimizer: adam }";
const layers = (list: string): string => `\nmodel: { layers: [${list}] }\n${train}\n`;

/** What each family is made of: all that has convolutions or products in it. */
const families: Readonly<Record<string, string>> = {
  dense: `${rows}${layers("flatten, { dense: { units: 8, activation: tanh } }, { dense: 2 }")}`,
  convolutional: `${picture}${layers(
    "{ conv2d: { filters: 4, kernel: 3, activation: relu } }, { max_pool2d: 2 }, { conv2d: { filters: 4, kernel: 3, stride: 2, padding: same } }, batch_norm, relu, flatten, { dense: 2 }",
  )}`,
  "overlapping pools, depthwise convolutions": `${picture}${layers(
    "{ depthwise_conv2d: { kernel: 3, padding: same } }, relu, { max_pool2d: { size: 3, stride: 2 } }, { separable_conv2d: { filters: 4, kernel: 3, padding: same } }, global_avg_pool2d, { dense: 2 }",
  )}`,
  residual: `${picture}${layers(
    "{ conv2d: { filters: 4, kernel: 3, padding: same, activation: relu }, as: a }, { conv2d: { filters: 4, kernel: 3, padding: same } }, batch_norm, { add: [a, batch_norm_1] }, relu, { avg_pool2d: 2 }, flatten, { dropout: 0.3 }, { dense: 2 }",
  )}`,
  "transposed convolutions": `${picture}${layers(
    "{ upsample2d: 2 }, { transposed_conv2d: { filters: 3, kernel: 3, stride: 2 } }, relu, global_avg_pool2d, { dense: 2 }",
  )}`,
  recurrent: `${rows}${layers("{ lstm: { units: 4, return: sequence } }, { gru: 4 }, { dense: 2 }")}`,
  attention: `${rows}${layers("{ attention: { kind: multi_head, heads: 3 } }, layer_norm, flatten, { dense: 2 }")}`,
  "adversarial with a gradient penalty": `
data:
  source: { arrays: true }
  features: { x: { type: vector, shape: [6] } }
networks:
  generator: { inputs: [z], layers: [{ dense: { units: 8, activation: relu } }, { dense: 6 }] }
  critic: { inputs: [x], layers: [{ dense: { units: 8, activation: tanh } }, { dense: 1 }] }
model:
  layers:
    - { noise: 3, as: z }
    - { use: generator, from: z, as: drawn }
    - { use: critic, from: x, as: real }
    - { use: critic, from: drawn, as: fake }
    - { interpolate: [x, drawn], as: mixed }
    - { use: critic, from: mixed, as: between }
train:
  optimizer: adam
  phases:
    - { update: critic, losses: [{ wasserstein: { output: real, target: -1 } }, { wasserstein: { output: fake, target: 1 } }, { gradient_penalty: { output: between, input: mixed, weight: 10 } }] }
    - { update: generator, losses: [{ wasserstein: { output: fake, target: -1 } }] }
`,
  adversarial: `
data:
  source: { arrays: true }
  features: { x: { type: vector, shape: [6] } }
networks:
  generator: { inputs: [z], layers: [{ dense: { units: 8, activation: relu } }, { dense: 6 }] }
  critic: { inputs: [x], layers: [{ dense: { units: 8, activation: leaky_relu } }, { dense: 1 }] }
model:
  layers:
    - { noise: 3, as: z }
    - { use: generator, from: z, as: drawn }
    - { use: critic, from: x, as: real }
    - { use: critic, from: drawn, as: fake }
train:
  optimizer: adam
  phases:
    - { update: critic, losses: [{ binary_cross_entropy: { output: real, target: 1 } }, { binary_cross_entropy: { output: fake, target: 0 } }] }
    - { update: generator, losses: [{ binary_cross_entropy: { output: fake, target: 1 } }] }
`,
};

/** With a scale so small that no first step overflows and is skipped. */
const policies: Readonly<Record<HalfType, string>> = {
  f16: "{ compute: mixed_float16, loss_scale: 64 }",
  bf16: "mixed_bfloat16",
};
const cleanUp: (() => void)[] = [];
afterAll(() => {
  for (const remove of cleanUp) remove();
});
const workspace = createWorkspace((remove) => cleanUp.push(remove));
const reference = createEagerEngine();
const engines = await Promise.all(testEngines.map(startTestEngine));
afterAll(() => Promise.all(engines.map((engine) => engine.dispose())));

const steps = 3;

function expectNear(given: readonly number[], wanted: readonly number[], tolerance: number): void {
  expect(given).toHaveLength(wanted.length);
  given.forEach((loss, i) => {
    const off = Math.abs(loss - (wanted[i] as number)) / Math.max(1, Math.abs(wanted[i] as number));
    if (!(off <= tolerance)) expect.fail(`step ${i + 1}: ${loss}, not ${wanted[i]}`);
  });
}

describe.each(Object.entries(families))("%s layers", (_, yaml) => {
  it.each(Object.keys(halfFormats) as HalfType[])("take their first steps in %s", async (half) => {
    const plain = await takeSteps(reference, await definitionOf(workspace, yaml), steps);
    const definition = await definitionOf(workspace, yaml, policies[half]);
    const mixed = await takeSteps(reference, definition, steps);
    expect(mixed.outputs.some((output) => output["precision.skipped"]?.data[0] === 1)).toBe(false);
    // A loss is a mean over numbers of which each is off by some steps of the format.
    const step = 2 ** -halfFormats[half].fraction;
    expectNear(mixed.losses, plain.losses, 4 * step);
    expect(mixed.losses).not.toEqual(plain.losses);
    for (const engine of engines.filter((one) => one.half[half] !== "none")) {
      const given = await takeSteps(engine, definition, steps);
      expectNear(given.losses, mixed.losses, 2 * step);
    }
  });

  it("compute nothing but halves in products, casts nothing twice, and keeps the state in f32", () => {
    const model = compiledFrom(inPrecision(yaml, "mixed_float16"));
    const { train: single } = model.programs;
    const programs = model.phases?.map((phase) => phase.train) ?? [single as Graph];
    for (const graph of programs) {
      const nodes = nodesWithin(graph);
      const heavy = nodes.filter(({ kind }) => (heavyOps as readonly string[]).includes(kind));
      expect(heavy.length).toBeGreaterThan(0);
      const dtypes = heavy.flatMap(({ inputs }) => inputs.map((value) => typeOf(value).dtype));
      expect(new Set(dtypes)).toEqual(new Set(["f16"]));
      // In one graph a value is made narrow once, and not made wide only to be made narrow again.
      const casts = nodesOf(graph).filter(({ kind }) => kind === "cast");
      const keys = casts.map(
        ({ inputs: [x], attrs }) => `${x?.node.id}.${x?.output} ${attrs.dtype}`,
      );
      expect(keys).toEqual([...new Set(keys)]);
      const undone = casts.filter(
        ({ inputs: [x], attrs }) =>
          attrs.dtype === "f16" &&
          x?.node.kind === "cast" &&
          typeOf(x.node.inputs[0] as Value).dtype === "f16",
      );
      expect(undone).toEqual([]);
    }
    for (const { dtype } of Object.values(model.state)) expect(dtype).toBe("f32");
    for (const graph of [model.programs.infer, model.programs.evaluate as Graph]) {
      expect(
        nodesWithin(graph).flatMap(({ types }) => types.map(({ dtype }) => dtype)),
      ).not.toContain("f16");
    }
  });
});
