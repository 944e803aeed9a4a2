/** @file Networks: shared weights, what their layers may read, and what is reported. */
import { describe, expect, it } from "vitest";
import { optimizeForward } from "../../compiler/4-optimize/index.js";
import { blamedIn, compiledFrom, expectTrueGradients, specFrom } from "../support/from-yaml.js";
import {
  inputValues,
  lowered,
  numbers,
  run,
  stateValues,
  tensor,
  trained,
  type Values,
} from "../support/lowering.js";

const data = (features: string): string =>
  `data: { source: { arrays: true }, features: { ${features} }, targets: { y: { type: number } } }`;
const two = data("a: { type: vector, shape: [3] }, b: { type: vector, shape: [3] }");

const siamese = `
${two}
networks:
  arm: { layers: [{ dense: { units: 4, activation: tanh } }, { dense: { units: 2, l2: 0.1 } }] }
model:
  layers:
    - { use: arm, from: a, as: left }
    - { use: arm, from: b, as: right }
    - subtract: [left, right]
    - dense: 1
train: { loss: mse, optimizer: { sgd: { learning_rate: 1 } } }
`;

describe("a network that is used twice", () => {
  it("has one set of weights, named after the network", () => {
    const { state, layers } = lowered(specFrom(siamese));
    expect(Object.keys(state)).toEqual([
      ...["arm.dense_1.kernel", "arm.dense_1.bias", "arm.dense_2.kernel", "arm.dense_2.bias"],
      ...["dense_1.kernel", "dense_1.bias"],
    ]);
    const weights = layers.map((layer) => [layer.name, layer.weights]);
    expect(weights).toContainEqual(["left/dense_1", 16]);
    expect(weights).toContainEqual(["right/dense_1", 0]);
  });

  it("is trained by the sum of the gradients of its uses, and penalised once", () => {
    const { train, state } = trained(specFrom(siamese));
    const values = { ...inputValues(train, 3), ...stateValues(state) };
    expect(expectTrueGradients(train, values, 3, 1e-6)).toHaveLength(6);
  });

  it("computes the same for the same input", () => {
    const { infer, state } = lowered(specFrom(siamese));
    const x = tensor([1, 3], [0.3, -1, 2]);
    const values: Values = { ...stateValues(state), a: x, b: x };
    const bias = numbers(values["dense_1.bias"]);
    expect(numbers(run(infer, values, 1).y)).toEqual(bias);
  });

  it("moves running statistics at each use, one after the other", () => {
    const model = lowered(
      specFrom(`
${two}
networks: { norm: { layers: [{ batch_norm: { momentum: 0.5 } }] } }
model: { layers: [{ use: norm, from: a, as: l }, { use: norm, from: b, as: r }, { add: [l, r] }, { dense: 1 }] }
train: { loss: mse }
`),
    );
    const a = tensor([2, 3], [2, 2, 2, 4, 4, 4]);
    const b = tensor([2, 3], [8, 8, 8, 8, 8, 8]);
    const values = { ...stateValues(model.state), a, b, y: tensor([2, 1], [0, 0]) };
    const results = run(model.training as never, values, 2);
    // (0·½ + 3·½)·½ + 8·½
    expect(numbers(results["state:norm.batch_norm_1.mean"])).toEqual([4.75, 4.75, 4.75]);
  });

  it("must get inputs of one shape", () => {
    const [[code, text] = []] = blamedIn(
      siamese.replace("b: { type: vector, shape: [3] }", "b: { type: vector, shape: [5] }"),
    );
    expect([code, text]).toEqual(["shape-mismatch", "dense"]);
  });
});

describe("the layers of a network", () => {
  it("read its inputs by name, and blocks and networks inside of it", () => {
    const { state, infer } = lowered(
      specFrom(`
${two}
blocks: { hidden: { params: { size: 3 }, layers: [{ dense: "\${size}" }, relu] } }
networks:
  inner: { layers: [block: hidden] }
  pair: { inputs: [p, q], layers: [{ concat: [q, p], as: all }, { use: inner, from: all }, { block: { name: hidden, with: { size: 2 } } }] }
model: { layers: [{ use: pair, from: [a, b] }, { dense: 1 }] }
`),
    );
    expect(Object.keys(state)).toEqual([
      ...["inner.hidden_1/dense_1.kernel", "inner.hidden_1/dense_1.bias"],
      ...["pair.hidden_1/dense_1.kernel", "pair.hidden_1/dense_1.bias"],
      ...["dense_1.kernel", "dense_1.bias"],
    ]);
    expect(infer.outputs).toHaveLength(1);
  });

  it("see no features and no layers outside", () => {
    const spec = (from: string): string => `
${two}
networks: { arm: { layers: [{ dense: 2, from: ${from} }] } }
model: { layers: [{ dense: 3, from: a, as: outer }, { use: arm, from: outer, as: x }, { use: arm, from: b, as: z }, { add: [x, z] }, { dense: 1 }] }
`;
    expect(blamedIn(spec("a")).map(([code]) => code)).toContain("unknown-reference");
    expect(blamedIn(spec("outer")).map(([code]) => code)).toContain("unknown-reference");
    expect(blamedIn(spec("input"))).toEqual([]);
  });
});

it("reports a use that nothing reads where it stands, and unread layers inside once", () => {
  const unread = siamese.replace("subtract: [left, right]", "{ dense: 2, from: left }");
  expect(blamedIn(unread.replace("train:", "# train:"))).toEqual([["unused-layer", "right"]]);
});

it("hashes the sharing of weights: another network is another model", () => {
  const other = siamese
    .replace(
      "model:",
      "  leg: { layers: [{ dense: { units: 4, activation: tanh } }, { dense: { units: 2, l2: 0.1 } }] }\nmodel:",
    )
    .replace("{ use: arm, from: b", "{ use: leg, from: b");
  expect(specFrom(other).canonical).not.toBe(specFrom(siamese).canonical);
});

it("survives the passes before differentiation", () => {
  const model = lowered(specFrom(siamese));
  expect(optimizeForward(model).weights.map(({ name }) => name)).toEqual(
    model.weights.map(({ name }) => name),
  );
  expect(Object.keys(compiledFrom(siamese).state)).toContain("arm.dense_1.kernel");
});
