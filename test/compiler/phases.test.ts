/** @file Phases: who is updated by what, gradients of a GAN step, gradient penalties. */
import { describe, expect, it } from "vitest";
import { phasePrograms } from "../../compiler/3-differentiate/phase-programs.js";
import { Diagnostics } from "../../compiler/diagnostics/report.js";
import { nodesOf } from "../../compiler/ir/traverse.js";
import { blamedIn, compiledFrom, expectTrueGradients, specFrom } from "../support/from-yaml.js";
import { inputValues, lowered, numbers, run, stateValues } from "../support/lowering.js";

const gan = (phases: string, critic = "", more = ""): string => `
data: { source: { arrays: true }, features: { image: { type: image, shape: [6, 6, 1], scale: unit } }, targets: {} }
networks:
  generator:
    layers:
      - { dense: { units: 18, bias: false } }
      - batch_norm: { momentum: 0.9 }
      - tanh
      - reshape: [3, 3, 2]
      - transposed_conv2d: { filters: 1, kernel: 4, stride: 2, padding: same, activation: sigmoid }
  discriminator:
    layers:
      - conv2d: { filters: 3, kernel: 3, stride: 2, padding: same }
      - leaky_relu: 0.2
${critic}
      - flatten
      - dense: { units: 4, activation: tanh }
      - dense: 1
model:
  layers:
    - { noise: 5, as: z }
    - { use: generator, from: z, as: drawn }
    - { use: discriminator, from: image, as: real }
    - { use: discriminator, from: drawn, as: fake }
${more}
train:
  optimizer: { sgd: { learning_rate: 1 } }
  phases:
${phases}
`;
const classic = gan(`
    - update: discriminator
      losses:
        - binary_cross_entropy: { output: real, target: 0.9 }
        - binary_cross_entropy: { output: fake, target: 0 }
    - { update: generator, losses: [{ binary_cross_entropy: { output: fake, target: 1 } }] }`);

const mixed = `
    - { interpolate: [image, drawn], as: mixed }
    - { use: discriminator, from: mixed, as: between }`;
const penalised = (critic: string): string =>
  gan(
    `
    - update: discriminator
      steps: 3
      losses:
        - wasserstein: { output: real, target: -1 }
        - wasserstein: { output: fake, target: 1 }
        - gradient_penalty: { output: between, input: mixed, weight: 10 }
    - { update: generator, losses: [{ wasserstein: { output: fake, target: -1 } }] }`,
    critic,
    mixed,
  );

function phasesOf(yaml: string) {
  const spec = specFrom(yaml);
  const diagnostics = new Diagnostics();
  const model = lowered(spec);
  const programs = phasePrograms(model, spec.train as never, (same) => same, diagnostics);
  expect(diagnostics.all).toEqual([]);
  return { model, ...(programs as NonNullable<typeof programs>) };
}

const n = 3;

describe("a phase", () => {
  it("does no gradient work for what it does not update", () => {
    const { phases = [] } = compiledFrom(classic);
    const [discriminator, generator] = phases;
    const gradients = (graph = discriminator?.train): Set<string> =>
      new Set(
        nodesOf(graph as never)
          .filter(({ origin }) => origin.phase === "backward")
          .map(({ origin }) => origin.layer.split("/")[0] ?? ""),
      );
    expect([...gradients()].sort()).toEqual(["fake", "real", "train.loss"]);
    // The generator's gradient passes through the discriminator, but ends at the generator's weights.
    expect(gradients(generator?.train).has("drawn")).toBe(true);
    const filterGradients = nodesOf(generator?.train as never).filter(
      ({ kind, origin }) => kind === "conv2dFilterGrad" && !origin.layer.startsWith("drawn"),
    );
    expect(filterGradients).toEqual([]);
  });

  it("moves the weights and running statistics of what it updates, nothing else", () => {
    const { phases, state } = phasesOf(classic);
    const moved = phases.map(({ train }) =>
      train.outputs.flatMap(({ name, role }) => (role === "state" ? [name] : [])),
    );
    const of = (network: string): string[] =>
      Object.keys(state).filter((name) => name.startsWith(`${network}.`));
    expect(moved[0]?.sort()).toEqual(of("discriminator").sort());
    expect(moved[1]?.sort()).toEqual(of("generator").sort());
    expect(of("generator")).toContain("generator.batch_norm_1.mean");
  });

  it("has gradients that agree with central differences", () => {
    const { phases, state } = phasesOf(classic);
    for (const { train } of phases) {
      const values = { ...inputValues(train, n), ...stateValues(state) };
      expect(expectTrueGradients(train, values, n, 1e-5).length).toBeGreaterThan(3);
    }
  });

  it("reports its losses by name; evaluation reports all of them", () => {
    const { phases, evaluate } = phasesOf(classic);
    const names = (graph = evaluate) =>
      graph.outputs.flatMap(({ name }) => (name.startsWith("loss") ? [name] : []));
    const bce = "binary_cross_entropy";
    const [first, second] = [1, 2].map((i) => `loss.discriminator.${bce}_${i}`);
    expect(names(phases[0]?.train)).toEqual(["loss", first, second]);
    expect(names(phases[1]?.train)).toEqual(["loss"]);
    expect(names()).toEqual(["loss", "loss.discriminator", first, second, "loss.generator"]);
  });

  it("keeps memory of its own for weights that another phase moves, too", () => {
    const { state } = phasesOf(
      gan(`
    - name: both
      update: [generator, discriminator]
      losses: [{ binary_cross_entropy: { output: fake, target: 1 } }, { binary_cross_entropy: { output: real, target: 1 } }]
      optimizer: adam
    - { update: generator, losses: [{ binary_cross_entropy: { output: fake, target: 1 } }], optimizer: adam, learning_rate: 0.01 }`).replace(
        "  optimizer: { sgd: { learning_rate: 1 } }\n",
        "",
      ),
    );
    expect(Object.keys(state)).toContain("generator.dense_1.kernel:both.m");
    expect(Object.keys(state)).toContain("generator.dense_1.kernel:generator.m");
    expect(Object.keys(state)).toContain("discriminator.dense_1.kernel:m");
  });
});

describe("a gradient penalty", () => {
  it("is (‖gradient‖ − center)² of each example", () => {
    const { phases, state } = phasesOf(penalised(""));
    const graph = phases[0]?.train as never;
    const values = { ...inputValues(graph, n), ...stateValues(state) };
    const penalty = numbers(
      run(graph, values, n)["loss.discriminator.gradient_penalty"],
    )[0] as number;
    expect(penalty).toBeGreaterThan(0);
    expect(penalty).toBeLessThan(1);
  });

  it("is differentiated again: gradients agree with central differences", () => {
    const { phases, state } = phasesOf(penalised(""));
    for (const { train } of phases) {
      const values = { ...inputValues(train, n), ...stateValues(state) };
      expectTrueGradients(train, values, n, 1e-5);
    }
  });

  it("works through pooling, layer norm and elu, too", () => {
    const critic = "      - elu\n      - layer_norm\n      - avg_pool2d: 2";
    const { phases, state } = phasesOf(penalised(critic));
    const train = phases[0]?.train as never;
    expectTrueGradients(train, { ...inputValues(train, n), ...stateValues(state) }, n, 1e-5);
  });

  it("tells where a critic has no second gradient", () => {
    expect(blamedIn(penalised("      - batch_norm"))).toEqual([["missing-gradient", "batch_norm"]]);
  });

  it("needs an output that depends on the input", () => {
    const apart = penalised("")
      .replace("input: mixed", "input: z")
      .replace("output: between", "output: real");
    expect(blamedIn(apart).map(([code]) => code)).toContain("loss-target-mismatch");
  });
});
