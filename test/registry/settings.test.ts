/**
 * @file Every setting of the language has an effect: of two legal values, each gives another compiled
 * model. A setting that is read and forgotten fails here, without code of its own.
 */
import type { FittedFacts } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { featureChoice, targetChoice } from "../../compiler/1-load/schema/features.js";
import { layerShapes } from "../../compiler/1-load/schema/layer-shapes.js";
import { lossChoice } from "../../compiler/1-load/schema/losses.js";
import { optimizerChoice } from "../../compiler/1-load/schema/optimizers.js";
import { type Choice, isNested, type Shape } from "../../compiler/1-load/schema/shape.js";
import { sourceChoice, splitShape } from "../../compiler/1-load/schema/sources.js";
import {
  checkpointShape,
  clipShape,
  earlyStoppingShape,
  metricChoice,
  monitorShape,
  precisionShape,
  scheduleChoice,
  trainShape,
} from "../../compiler/1-load/schema/train.js";
import { lowerModel } from "../../compiler/2-lower/lower-model.js";
import { trainingPrograms } from "../../compiler/3-differentiate/training-step.js";
import { renderText } from "../../compiler/diagnostics/render.js";
import { printGraph } from "../../compiler/ir/print.js";
import { legalPair, type Pair } from "../support/legal-values.js";
import { loadText } from "../support/load.js";

type Settings = Readonly<Record<string, unknown>>;

/** The parts of a spec that a case does not set. */
interface Sections {
  readonly data?: Settings;
  readonly layers?: readonly unknown[];
  readonly train?: Settings;
}

const vector = (...shape: number[]) => ({ type: "vector", shape });
const category = { type: "category", classes: ["p", "q"] };

/** One example's worth of facts for every feature that is called x or y. */
const facts: FittedFacts = Object.fromEntries(
  ["x", "y"].map((name) => [
    name,
    {
      ...{ classes: ["p", "q"], counts: [3, 1], mean: [1], deviation: [2], min: [3], max: [7] },
      vocabulary: ["<pad>", "<unknown>", "<start>", "<end>", "p", "q"],
    },
  ]),
);

/** What printed graphs say of the places that nodes come from. */
const origin = / {2}# @ .*$/gm;

/** Everything that a spec comes to, as text. `indent`: how the spec is laid out. */
function meaningOf({ data, layers, train }: Sections, indent = 0): string {
  const spec = {
    dlc: 1,
    name: "example",
    data: {
      source: { arrays: true },
      features: { x: vector(4) },
      targets: { y: vector(2) },
      ...data,
    },
    model: { layers: layers ?? [{ dense: 2 }] },
    train: { loss: "mse", ...train },
  };
  const { spec: resolved, diagnostics, sources } = loadText(JSON.stringify(spec, null, indent));
  const model = resolved && lowerModel(resolved, facts, diagnostics);
  const programs = model && resolved.train && trainingPrograms(model, resolved.train, diagnostics);
  // A layer that nothing reads may be part of a case; nothing else may be wrong with it.
  const mistakes = diagnostics.all.filter(
    ({ code }) => !code.startsWith("unused-") && code !== "weight-without-gradient",
  );
  if (mistakes.length > 0) throw new Error(renderText(mistakes, sources));
  if (model === null || programs === null || resolved === null) throw new Error("no model");
  const { infer, evaluate, train: step, apply, state } = programs;
  const graphs = [infer, evaluate, step, ...(apply ? [apply] : [])];
  return [
    // Without origins: they tell the places in the text, which any other value moves.
    ...graphs.map((graph) => printGraph(graph).replaceAll(origin, "")),
    JSON.stringify([state, model.heads, resolved.data, resolved.train?.settings]),
  ].join("\n");
}

/** Where a shape stands: a spec with these settings for it. */
type Place = (settings: Settings, shape: Shape) => Sections;

interface Family {
  readonly name: string;
  readonly shapes: readonly Shape[];
  readonly place: Place;
  /** Settings that are needed before another can be changed, by `shape` or `shape.setting`. */
  readonly given?: Readonly<Record<string, Settings>>;
  /** Values for settings whose schema does not tell legal ones, by `shape.setting`. */
  readonly values?: Readonly<Record<string, Pair>>;
  /** Settings that are checked elsewhere, or have one legal value. */
  readonly without?: readonly string[];
}

const shapesOf = (choice: Choice): readonly Shape[] => [...choice.shapes.values()];

/** What a layer reads, where an image does not do. */
const layerInputs: Readonly<Record<string, Settings>> = {
  conv1d: vector(10, 4),
  max_pool1d: vector(10, 4),
  avg_pool1d: vector(10, 4),
  reshape: vector(12),
  simple_rnn: vector(5, 4),
  lstm: vector(5, 4),
  gru: vector(5, 4),
  attention: vector(5, 4),
  positions: vector(5, 4),
  rnn_cell: vector(4),
  lstm_cell: vector(4),
  gru_cell: vector(4),
  embedding: { ...category, encode: "index" },
  one_hot: { ...category, encode: "index" },
  crop1d: vector(5, 4),
  logits: vector(4),
  global_avg_pool1d: vector(5, 4),
  global_max_pool1d: vector(5, 4),
};
const three = { type: "category", classes: ["p", "q", "r"] };

/** The settings that a layer's example has. */
function exampleOf({ name, primary, example = "" }: Shape): Settings {
  const parsed = parse(example) as string | Readonly<Record<string, unknown>>;
  const body = typeof parsed === "string" ? {} : parsed[name];
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body as Settings;
  return { [primary ?? ""]: body };
}

/** States that cells read: numbers per unit. */
const stateSizes: Readonly<Record<string, number>> = { rnn_cell: 1, gru_cell: 1, lstm_cell: 2 };

const placeLayer: Place = (settings, shape) => {
  const { name } = shape;
  const inputs = (settings.inputs ?? []) as readonly string[];
  const stateSize = (stateSizes[name] ?? 0) * Number(settings.units ?? 0);
  const states = ["h", "other"].map((as) => ({ dense: stateSize, from: "x", as }));
  return {
    data: {
      features: {
        x: layerInputs[name] ?? { type: "image", shape: [6, 6, 4] },
        ...(name === "logits" ? { translation: category, three } : {}),
      },
      targets: { y: vector(2) },
    },
    layers: [
      ...inputs.map((as) => ({ linear: {}, as, from: "x" })),
      ...(stateSize === 0 ? [] : states),
      stateSize === 0 ? { [name]: settings } : { [name]: settings, from: "x" },
      "flatten",
      { dense: 2 },
    ],
  };
};

/** What losses that do not compare with a target take in place of one. */
const withoutTarget: Readonly<Record<string, Settings>> = {
  wasserstein: { target: 1 },
  gradient_penalty: { target: undefined, input: "x" },
};
const ofNormal: Settings = {
  output: undefined,
  target: undefined,
  mean: "one",
  log_variance: "two",
};

/** Two outputs and two targets of several distributions each. */
const placeLoss: Place = (settings, { name }) => {
  const ofClasses = "class_weights" in settings;
  const scores = name === "binary_cross_entropy" ? 1 : 2;
  return {
    data: {
      features: { x: vector(6) },
      targets: ofClasses ? { y: category } : { y: vector(3, 2), z: vector(3, 2) },
    },
    layers: ofClasses
      ? [{ dense: scores, as: "one" }]
      : ["one", "two"].flatMap((as) => [
          { dense: 6, from: "x", as: `${as}_flat` },
          { reshape: [3, 2], as },
        ]),
    train: { loss: { [name]: settings } },
  };
};

const featureSource: Settings = { npy: { x: "x.npy", y: "y.npy", z: "z.npy" } };

/** A lone feature, seen by layers that suit its kind. */
const placeFeature: Place = (settings, { name }) => ({
  data: {
    source: featureSource,
    features: { x: { type: name, ...settings } },
    targets: { y: vector(2) },
  },
  layers: [
    ...(settings.encode === "index" || name === "text" ? [{ embedding: 2 }] : ["linear"]),
    ...(name === "text" || name === "sequence" ? [{ lstm: 2 }] : []),
    ...(name === "image" || name === "vector" ? ["flatten"] : []),
    { dense: 2 },
  ],
});

const placeTarget: Place = (settings, { name }) => ({
  data: {
    source: featureSource,
    features: { x: vector(4) },
    targets: { y: { type: name, ...settings } },
  },
  layers:
    name === "text"
      ? [
          { previous: "y" },
          { embedding: 2 },
          { lstm: { units: 2, return: "sequence" } },
          { logits: "y" },
        ]
      : [
          { dense: name === "number" ? 1 : name === "image" ? 12 : 2 },
          ...(name === "image" ? [{ reshape: [2, 2, 3] }] : []),
        ],
  train: { loss: name === "category" || name === "text" ? "cross_entropy" : "mse" },
});

const placeSource: Place = (settings, { name }) => {
  const source = { [name]: settings };
  const ofImages = name === "cifar" || name === "images";
  const labelled = ofImages || "by_class" in settings;
  if (!labelled) return { data: { source, features: { x: vector(4) }, targets: { y: vector(2) } } };
  return {
    data: {
      source,
      features: { x: ofImages ? { type: "image", shape: [2, 2, 3] } : vector(4) },
      targets: { y: category },
    },
    layers: ["flatten", { dense: 2 }],
    train: { loss: "cross_entropy" },
  };
};

const captions: Pair = [{ p: "one" }, { p: "two" }];
const classLists: Pair = [
  ["p", "q"],
  ["q", "p"],
];

const families: readonly Family[] = [
  {
    name: "layer",
    shapes: [...layerShapes.values()],
    place: (settings, shape) => placeLayer({ ...exampleOf(shape), ...settings }, shape),
    given: {
      "shortcut.bias_initializer": { bias: true },
      // Whole numbers for each head.
      "attention.heads": { units: 24 },
      "attention.kind": { heads: undefined },
      "attention.units": { heads: 1 },
      "attention.value_size": { heads: 1 },
      "attention.rotary": { heads: 2 },
      // Windows that do not fill the input.
      "max_pool1d.padding": { size: 4 },
      "avg_pool1d.padding": { size: 4 },
      "max_pool2d.padding": { size: 4 },
      "avg_pool2d.padding": { size: 4 },
    },
    values: {
      "reshape.shape": [
        [3, 4],
        [4, 3],
      ],
      "concat.axis": [1, 2],
      "attention.kind": ["dot", "scaled_dot"],
      "positions.max_length": [5, 6],
      "feed_forward.hidden": [3, "auto"],
      "select_channels.channels": [[0], [1]],
      "rnn_cell.state": ["h", "other"],
      "gru_cell.state": ["h", "other"],
      "lstm_cell.state": ["h", "other"],
      "embedding.vocabulary": [2, 3],
      "group_norm.groups": [1, 2],
      "logits.of": ["translation", "three"],
    },
    // Initial states: test/compiler/recurrent.test.ts; memories: test/compiler/attention.test.ts;
    // what was said before: test/compiler/sequence-loss.test.ts.
    without: ["simple_rnn.state", "lstm.state", "gru.state", "attention.memory", "previous.input"],
  },
  {
    name: "loss",
    shapes: shapesOf(lossChoice),
    place: (settings, shape) =>
      placeLoss(
        "class_weights" in settings
          ? settings
          : { output: "two", target: "y", ...withoutTarget[shape.name], ...settings },
        shape,
      ),
    given: { "kl_divergence.mean": ofNormal, "kl_divergence.log_variance": ofNormal },
    values: {
      ...Object.fromEntries(
        shapesOf(lossChoice).flatMap(({ name }): [string, Pair][] => [
          [`${name}.output`, ["one", "two"]],
          [`${name}.target`, ["y", "z"]],
          [`${name}.class_weights`, ["balanced", { p: 2 }]],
        ]),
      ),
      "wasserstein.target": [1, -1],
      "kl_divergence.mean": ["one", "two"],
      "kl_divergence.log_variance": ["one", "two"],
    },
    // Needs a network of several parts: test/compiler/phases.test.ts.
    without: ["gradient_penalty.input"],
  },
  {
    name: "optimizer",
    shapes: shapesOf(optimizerChoice),
    place: (settings, { name }) => ({ train: { optimizer: { [name]: settings } } }),
    given: { "sgd.nesterov": { momentum: 0.5 } },
  },
  {
    name: "schedule",
    shapes: shapesOf(scheduleChoice),
    place: (settings, { name }) => ({ train: { schedule: { [name]: settings } } }),
    given: { step: { every: 5 } },
    values: Object.fromEntries(
      ["start", "final"].map((setting): [string, Pair] => [`one_cycle.${setting}`, [2, 3]]),
    ),
  },
  {
    name: "metric",
    shapes: shapesOf(metricChoice),
    place: (settings, { name }) => ({
      data: { targets: { y: { type: "category", classes: ["p", "q", "r", "s"] } } },
      layers: [{ dense: 4 }],
      train: { loss: "cross_entropy", metrics: [{ [name]: settings }] },
    }),
  },
  {
    name: "clip",
    shapes: [clipShape],
    place: (settings) => ({ train: { clip: settings } }),
  },
  {
    name: "precision",
    shapes: [precisionShape],
    place: (settings) => ({ train: { precision: { compute: "mixed_float16", ...settings } } }),
    values: { "precision.compute": ["mixed_float16", "mixed_bfloat16"] },
  },
  {
    name: "early stopping",
    shapes: [earlyStoppingShape],
    place: (settings) => ({ train: { early_stopping: { patience: 3, ...settings } } }),
  },
  {
    name: "monitor",
    shapes: [monitorShape],
    place: (settings) => ({ train: { metrics: ["mae"], monitor: { metric: "mae", ...settings } } }),
    values: { "monitor.metric": ["mae", "loss"] },
  },
  {
    name: "checkpoint",
    shapes: [checkpointShape],
    place: (settings) => ({ train: { checkpoint: settings } }),
  },
  {
    name: "train",
    shapes: [trainShape],
    place: ({ ...settings }) =>
      "class_weights" in settings || "label_smoothing" in settings
        ? { data: { targets: { y: category } }, train: { loss: "cross_entropy", ...settings } }
        : { layers: [{ dense: 3 }, { dense: 3 }, { dense: 2 }], train: settings },
    given: { "train.weight_decay": { optimizer: "adamw" } },
    values: {
      "train.class_weights": ["balanced", { p: 2 }],
      "train.freeze": ["dense_1", "dense_2"],
      "train.learning_rates": [{ dense_1: 2 }, { dense_1: 3 }],
    },
  },
  {
    name: "feature",
    shapes: shapesOf(featureChoice),
    place: placeFeature,
    given: {
      image: { shape: [2, 2, 3] },
      vector: { shape: [2] },
      category: { classes: ["p", "q"] },
      text: { max_length: 5 },
      sequence: { max_length: 5 },
    },
    values: {
      "image.shape": [
        [2, 2, 3],
        [2, 3, 2],
      ],
      "vector.shape": [[2], [3]],
      "vector.columns": [
        ["x", "y"],
        ["y", "x"],
      ],
      "category.classes": classLists,
      "text.words": captions,
      ...columns(featureChoice),
    },
  },
  {
    name: "target",
    shapes: shapesOf(targetChoice),
    place: placeTarget,
    given: {
      image: { shape: [2, 2, 3] },
      vector: { shape: [2] },
      category: { classes: ["p", "q"] },
      text: { max_length: 5 },
    },
    values: {
      "vector.columns": [
        ["x", "y"],
        ["y", "x"],
      ],
      "category.classes": classLists,
      "text.words": captions,
      ...columns(targetChoice),
    },
    // A target has the shape of the output, which is that of the layers here.
    without: ["image.shape", "vector.shape"],
  },
  {
    name: "source",
    shapes: shapesOf(sourceChoice),
    place: placeSource,
    given: {
      csv: { path: "a.csv" },
      cifar: { files: ["a.bin"] },
      images: { path: "a" },
      json: { path: "a.json" },
      text: { path: "a.txt" },
      "text.length": { by: "characters" },
      // In place of a path.
      "json.column": { path: undefined, by_class: { p: "p.json", q: "q.json" } },
    },
    values: {
      ...Object.fromEntries(
        ["csv", "images", "json", "text"].map((name): [string, Pair] => [
          `${name}.path`,
          ["a", "b"],
        ]),
      ),
      "csv.delimiter": [",", ";"],
      "csv.header": [
        ["x", "y"],
        ["y", "x"],
      ],
      "cifar.files": [["a.bin"], ["a.bin", "b.bin"]],
      "json.at": ["rows", "data"],
      "json.column": ["pixels", "image"],
    },
    without: ["arrays.given"],
  },
  {
    name: "split",
    shapes: [splitShape],
    place: (split) => ({ data: { split } }),
    given: { "split.by": { method: "hash" } },
    values: { "split.by": [["x"], ["y"]] },
  },
];

/** Every kind can read another column. */
function columns(choice: Choice): Readonly<Record<string, Pair>> {
  return Object.fromEntries(shapesOf(choice).map(({ name }) => [`${name}.column`, ["y", "z"]]));
}

it("a spec that is only laid out anew comes to the same", () => {
  const spec: Sections = {
    layers: [{ dense: { units: 3, l2: 0.1 } }, { dropout: 0.5 }, { dense: 2 }],
    train: { ema: 0.9, clip: 1, accumulate: 2 },
  };
  expect(meaningOf(spec, 2)).toBe(meaningOf(spec));
});

for (const { name, shapes, place, given = {}, values = {}, without = [] } of families) {
  describe(`a ${name}`, () => {
    for (const shape of shapes) {
      for (const [setting, field] of Object.entries(shape.fields)) {
        const key = `${shape.name}.${setting}`;
        if (isNested(field) || without.includes(key)) continue;
        it(`${key} has an effect`, () => {
          const pair = values[key] ?? legalPair(field.schema);
          if (pair === null) throw new Error(`${key} needs two legal values here`);
          const base = { ...given[shape.name], ...given[key] };
          const [a, b] = pair.map((value) =>
            meaningOf(place({ ...base, [setting]: value }, shape)),
          );
          expect(a).not.toBe(b);
        });
      }
    }
  });
}
