/** @file A small classifier built by hand, with every user string free to choose: for tests of emission. */
import type { FittedFacts, HeadSpec, StateSpec } from "@dlc/runtime";
import type { LayerUse, ResolvedSpec } from "../../compiler/1-load/resolved-spec.js";
import type { CompiledModel } from "../../compiler/compiled-model.js";
import { SourceFiles } from "../../compiler/diagnostics/source-files.js";
import { createBuilder } from "../../compiler/ir/builder.js";
import type { Origin, Span } from "../../compiler/ir/origin.js";
import type { Graph, GraphOutput, Value } from "../../compiler/ir/types.js";

/** Strings that a user could choose. */
export interface HandStrings {
  readonly hidden: string;
  readonly out: string;
  readonly feature: string;
  readonly target: string;
  readonly classes: readonly [string, string, string];
  readonly path: string;
  readonly file: string;
}

export const benign: HandStrings = {
  hidden: "dense_1",
  out: "dense_2",
  feature: "image",
  target: "digit",
  classes: ["zero", "one", "two"],
  path: "data/images.idx",
  file: "/project/spec.yaml",
};

const side = 5;
const pixels = side * side;
const units = 4;

/** One line per layer: `dense_1` on line 6, `dense_2` on line 7; training on line 8. */
export const handYaml = [
  "dlc: 1",
  "name: hand",
  "data: {}",
  "model:",
  "  layers:",
  "    - dense: 4",
  "    - dense: 3",
  "train: { loss: cross_entropy }",
  "",
].join("\n");

function spanOf(file: string, text: string): Span {
  const start = handYaml.indexOf(text);
  return { file, start, end: start + text.length };
}

export function handModel(strings: HandStrings = benign): CompiledModel {
  const { hidden, out, feature, target, classes, file } = strings;
  const sources = new SourceFiles();
  sources.set(file, handYaml);
  const spans = {
    model: spanOf(file, "layers:"),
    hidden: spanOf(file, "dense: 4"),
    out: spanOf(file, "dense: 3"),
    train: spanOf(file, "{ loss: cross_entropy }"),
  };
  const state: Record<string, StateSpec> = {};
  const weight = (layer: string, tensor: string, shape: readonly number[]): void => {
    const init =
      tensor === "bias" ? { kind: "zeros" } : { kind: "glorot_uniform", fanIn: 2, fanOut: 2 };
    state[`${layer}.${tensor}`] = { dtype: "f32", shape, role: "weight", init, layer } as StateSpec;
    for (const slot of ["m", "v"]) {
      const init = { kind: "zeros" } as const;
      state[`${layer}.${tensor}:${slot}`] = { dtype: "f32", shape, role: "slot", init, layer };
    }
  };
  weight(hidden, "kernel", [pixels, units]);
  weight(hidden, "bias", [units]);
  weight(out, "kernel", [units, classes.length]);
  weight(out, "bias", [classes.length]);

  /** infer: the heads; evaluate: and the loss; train: and the new state. */
  function program(name: "infer" | "evaluate" | "train"): Graph {
    const b = createBuilder();
    const at = (
      layer: string,
      type: string,
      span: Span | null,
      phase: Origin["phase"] = "forward",
    ) => {
      b.origin = { layer, type, span, phase };
    };
    const read = (tensor: string): Value => {
      const spec = state[tensor] as StateSpec;
      return b.state(tensor, spec.dtype, spec.shape);
    };
    at(feature, "image", spans.model);
    const image = b.input(feature, "batch", "u8", ["n", side, side, 1]);
    const means = Array.from({ length: pixels }, (_, i) => 100 + i / 7);
    const mean = b.constant({ dtype: "f32", shape: [side, side, 1], value: means });
    const scale = b.constant({ dtype: "f32", shape: [], value: 1 / 255 });
    const scaled = b.mul(b.sub(b.cast(image, { dtype: "f32" }), mean), scale);
    const x = b.reshape(scaled, { shape: ["n", pixels] });
    const plain = { transposeA: false, transposeB: false, activation: "none" } as const;
    at(hidden, "dense", spans.hidden);
    const bias1 = read(`${hidden}.bias`);
    const h = b.matmul(x, read(`${hidden}.kernel`), { ...plain, bias: bias1, activation: "relu" });
    at(out, "dense", spans.out);
    const bias2 = read(`${out}.bias`);
    const logits = b.matmul(h, read(`${out}.kernel`), { ...plain, bias: bias2 });
    at(target, "head", null);
    const probabilities = b.softmax(logits, { axis: 1 });
    const heads: GraphOutput[] = [{ name: target, role: "output", value: probabilities }];
    if (name === "infer") return { name, outputs: heads };

    at("train.loss", "loss", spans.train);
    const labels = b.input(target, "batch", "i32", ["n"]);
    const truth = b.oneHot(labels, { depth: classes.length, on: 1, off: 0 });
    const loss = b.mean(b.softmaxCrossEntropy(logits, truth), { axes: [0], keepDims: false });
    const results: GraphOutput[] = [{ name: "loss", role: "output", value: loss }, ...heads];
    if (name === "evaluate") return { name, outputs: results };

    at("train.loss", "loss", spans.train, "backward");
    const dLogits = b.div(b.sub(probabilities, truth), b.size({ shape: ["n"] }));
    at(out, "dense", spans.out, "backward");
    const rows = { axes: [0], keepDims: false };
    const gradients = new Map<string, Value>();
    gradients.set(`${out}.kernel`, b.matmul(h, dLogits, { ...plain, transposeA: true }));
    gradients.set(`${out}.bias`, b.sum(dLogits, rows));
    const dh = b.matmul(dLogits, read(`${out}.kernel`), { ...plain, transposeB: true });
    at(hidden, "dense", spans.hidden, "backward");
    const dz = b.reluGrad(dh, h);
    gradients.set(`${hidden}.kernel`, b.matmul(x, dz, { ...plain, transposeA: true }));
    gradients.set(`${hidden}.bias`, b.sum(dz, rows));
    const rate = b.input("learning_rate", "scalar", "f32", []);
    const step = b.input("step", "scalar", "f32", []);
    for (const [tensor, gradient] of gradients) {
      at((state[tensor] as StateSpec).layer, "adam", null, "update");
      const settings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weightDecay: 0 };
      const [m, v] = [read(`${tensor}:m`), read(`${tensor}:v`)];
      const updated = b.applyAdam(read(tensor), m, v, gradient, rate, step, settings);
      [tensor, `${tensor}:m`, `${tensor}:v`].forEach((name, i) => {
        results.push({ name, role: "state", value: updated[i as 0 | 1 | 2] });
      });
    }
    return { name, outputs: results };
  }

  const layer = (name: string, span: Span, units: number): LayerUse => {
    return { type: "dense", name, named: false, from: [], fields: { units }, span, fieldSpans: {} };
  };
  const facts: FittedFacts = { [feature]: { mean: [100.5], deviation: [2] } };
  const heads: readonly HeadSpec[] = [
    { name: target, target, kind: "category", classes: [...classes], shape: [classes.length] },
  ];
  const spec: ResolvedSpec = {
    file,
    name: "hand",
    data: {
      source: { kind: "idx", files: { [feature]: strings.path, [target]: "npm:pkg/labels" } },
      validation: null,
      test: null,
      split: { validation: 0.1, test: 0, method: "random", by: [], seed: 1 },
      features: {
        [feature]: {
          type: "image",
          column: feature,
          shape: [side, side, 1],
          scale: "standard",
          resize: false,
        },
      },
      targets: {
        [target]: { type: "category", column: target, classes: [...classes], encode: "index" },
      },
    },
    description: null,
    dataSpans: {},
    layers: [layer(hidden, spans.hidden, units), layer(out, spans.out, classes.length)],
    modelSpan: spans.model,
    train: {
      settings: {
        seed: 1,
        batch: 8,
        epochs: 2,
        shuffle: true,
        learningRate: 0.01,
        schedule: { kind: "constant" },
        warmupSteps: 0,
        accumulate: 1,
        metrics: [{ kind: "accuracy" }, { kind: "top_k", k: 2 }, { kind: "confusion" }],
        monitor: { metric: "loss", mode: "min" },
        earlyStopping: null,
        checkpoint: { everySteps: 0, keep: 1 },
      },
      losses: [],
      optimizer: {
        kind: "adam",
        momentum: 0,
        nesterov: false,
        beta1: 0.9,
        beta2: 0.999,
        rho: 0,
        epsilon: 1e-7,
        weightDecay: 0,
        span: spans.train,
      },
      clipNorm: null,
      clipValue: null,
      l1: 0,
      l2: 0,
      ema: null,
      span: spans.train,
    },
    origins: [],
    canonical: JSON.stringify([hidden, out, feature, target, classes, strings.path]),
  };
  return {
    spec,
    sources,
    facts,
    state,
    heads,
    programs: { infer: program("infer"), evaluate: program("evaluate"), train: program("train") },
    layers: [],
  };
}
