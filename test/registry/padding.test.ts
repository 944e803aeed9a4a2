/**
 * @file Padding reaches nothing, and decoders see no future: for every layer that takes sequences. What
 * stands in padding changes neither outputs at steps that are there, nor outputs without steps, nor any
 * gradient; and unless a layer says that it looks ahead, no step of its output depends on later ones.
 */
import { describe, expect, it } from "vitest";
import type { ResolvedSpec } from "../../compiler/1-load/resolved-spec.js";
import type { Source } from "../../compiler/2-lower/blame.js";
import { walk } from "../../compiler/2-lower/walk.js";
import { backward } from "../../compiler/3-differentiate/backward.js";
import { Diagnostics } from "../../compiler/diagnostics/report.js";
import { createBuilder } from "../../compiler/ir/builder.js";
import { concreteShape } from "../../compiler/ir/shape.js";
import { reachable } from "../../compiler/ir/traverse.js";
import { shapeOf, type Value } from "../../compiler/ir/types.js";
import type { AnyLayerDef } from "../../compiler/layers/define-layer.js";
import { layers } from "../../compiler/layers/index.js";
import { zeroed } from "../../compiler/layers/sequence/steps.js";
import { specFrom } from "../support/from-yaml.js";
import { noise, numbers, run, scalarOf, tensor, type Values } from "../support/lowering.js";

/** Of images, single steps, or nothing: no sequence reaches them. */
const notForSequences: ReadonlySet<string> = new Set([
  ...["conv2d", "depthwise_conv2d", "separable_conv2d", "transposed_conv2d", "shortcut"],
  ...["max_pool2d", "avg_pool2d", "global_avg_pool2d", "global_max_pool2d"],
  ...["upsample2d", "zero_pad2d", "crop2d", "local_response_norm"],
  ...["rnn_cell", "lstm_cell", "gru_cell", "noise"],
  // Of ids: 0 is padding, and there is nothing else that it could hold.
  ...["embedding", "one_hot", "previous"],
]);

/** YAML of uses that read `padded` [n, 6, 8] with padding, and `v` [n, 6, 8] without. */
const uses: Readonly<Record<string, readonly string[]>> = {
  conv1d: [
    "conv1d: { filters: 3, kernel: 3, padding: same }",
    "conv1d: { filters: 3, kernel: 2, padding: same, stride: 2 }",
    "conv1d: { filters: 3, kernel: 2, dilation: 2, padding: causal }",
    "conv1d: { filters: 3, kernel: 2 }",
    "conv1d: { filters: 3, kernel: 3, padding: 1, stride: 2 }",
    "conv1d: { filters: 3, kernel: 1 }",
  ],
  max_pool1d: ["max_pool1d: 2", "max_pool1d: { size: 3, stride: 1, padding: same }"],
  avg_pool1d: ["avg_pool1d: 2", "avg_pool1d: { size: 3, stride: 2, padding: 1 }"],
  reshape: ["reshape: [3, 16]"],
  logits: ["logits: kind"],
  add: ["add: [padded, v]", "add: [v, padded]"],
  subtract: ["subtract: [padded, v]"],
  multiply: ["multiply: [padded, v]"],
  average: ["average: [padded, v]"],
  maximum: ["maximum: [padded, v]"],
  interpolate: ["interpolate: [padded, v]"],
  sample_normal: ["sample_normal: [padded, v]"],
  concat: ["concat: [padded, v]", "concat: { inputs: [other, padded], axis: 1 }"],
  simple_rnn: ["simple_rnn: { units: 3, return: sequence }", "simple_rnn: 3"],
  lstm: [
    "lstm: { units: 3, return: sequence, dropout: 0.2, recurrent_dropout: 0.2 }",
    "lstm: { units: 3, return: state, bidirectional: true }",
    "lstm: { units: 3, return: sequence, go_backwards: true }",
  ],
  gru: ["gru: { units: 3, return: sequence }", "gru: { units: 3, bidirectional: true }"],
  attention: [
    "attention: { kind: multi_head, heads: 4 }",
    "attention: { kind: multi_head, heads: 4, causal: true }",
    "attention: dot",
    "{ attention: additive, from: { query: padded, memory: other } }",
  ],
  group_norm: ["group_norm: 4"],
};

/** Uses of `recurrent`, which stands in no registry. */
const ofRecurrent = ["sequence", "last"].flatMap((result) =>
  [false, true].map(
    (reverse) =>
      `recurrent: { states: { h: 3 }, cell: [{ concat: [x, h] }, { dense: { units: 3, activation: tanh }, as: next }], next: { h: next }, return: ${result}, reverse: ${reverse} }`,
  ),
);

const cases: readonly (readonly [use: string, definition: AnyLayerDef | null])[] = [
  ...[...layers.values()]
    .filter(({ type }) => !notForSequences.has(type))
    .flatMap((layer) => (uses[layer.type] ?? [layer.example]).map((use) => [use, layer] as const)),
  ...ofRecurrent.map((use) => [use, null] as const),
];

const n = 3;
const steps = 6;
const channels = 8;
const lengths = [6, 3, 1];

const isThere = (row: number, step: number): boolean => step < (lengths[row] as number);

function specWith(use: string): ResolvedSpec {
  const type = /[a-z]\w*/.exec(use)?.[0] ?? "";
  const named = use.startsWith("{") ? use.slice(1, -1) : /^\w+$/.test(use) ? `${use}: {}` : use;
  const from = use.startsWith("{") || layers.get(type)?.inputs === "many" ? "" : ", from: padded";
  return specFrom(`data:
  source: arrays
  features:
    x: { type: sequence, max_length: ${steps}, channels: ${channels}, scale: none }
    v: { type: vector, shape: [${steps}, ${channels}] }
    kind: { type: category, classes: [a, b, c, d] }
model:
  layers:
    - { add: [x, v], as: padded }
    - { multiply: [x, v], as: other }
    # All that a case may leave unread.
    - { dense: 1, from: kind, as: all_1 }
    - { flatten: {}, from: v, as: all_2 }
    - { flatten: {}, from: padded, as: all_3 }
    - { flatten: {}, from: other, as: all_4 }
    - { ${named}${from}, as: tested }
    - ${type === "codes" ? "one_hot" : "linear"}
    - { flatten: {}, as: all_5 }
    - concat: [all_1, all_2, all_3, all_4, all_5]
`);
}

/** The outputs of the layer in question. */
function lowerUse(use: string) {
  const b = createBuilder();
  const diagnostics = new Diagnostics();
  const walked = walk({ b, training: true, spec: specWith(use), facts: {}, diagnostics });
  const outputs = [...walked.sources.values()].filter(
    ({ name, value }) => value !== null && (name === "tested" || name.startsWith("tested.")),
  ) as (Source & { readonly value: Value })[];
  return { b, walked, diagnostics, outputs };
}

type Lowered = ReturnType<typeof lowerUse>;

const stepsAt = (fill: (row: number, step: number, channel: number) => number): Values[string] =>
  tensor(
    [n, steps, channels],
    Array.from({ length: n * steps * channels }, (_, i) =>
      fill(Math.floor(i / (steps * channels)), Math.floor(i / channels) % steps, i % channels),
    ),
  );

/** Of the sequence: numbers with 1 behind them where a step is there. */
const sequence = tensor(
  [n, steps, channels + 1],
  Array.from({ length: n * steps * (channels + 1) }, (_, i) => {
    const [row, step] = [
      Math.floor(i / (steps * (channels + 1))),
      Math.floor(i / (channels + 1)) % steps,
    ];
    if (!isThere(row, step)) return 0;
    const channel = i % (channels + 1);
    return channel === channels ? 1 : (noise("x", [n * steps * 9]).data[i] as number);
  }),
);
const complete = { ...sequence, data: sequence.data.map((value, i) => (i % 9 === 8 ? 1 : value)) };

const first = noise("v", [n, steps, channels]);
const second = noise("other v", [n, steps, channels], 3);
const at = (values: Values[string], row: number, step: number, channel: number): number =>
  values.data[(row * steps + step) * channels + channel] as number;

function valuesOf({ walked }: Lowered, v: Values[string], x = sequence): Values {
  const state = Object.entries(walked.state).map(
    ([name, { shape }]) => [name, noise(name, shape)] as const,
  );
  return {
    ...Object.fromEntries(state),
    ...{ x, v, kind: tensor([n], [0, 1, 2], "i32") },
    ...{ random_key: scalarOf(7, "u32"), step: scalarOf(1) },
  };
}

const asGraph = (outputs: Readonly<Record<string, Value>>) => ({
  name: "outputs",
  outputs: Object.entries(outputs).map(([name, value]) => ({
    ...{ name, value },
    role: "output" as const,
  })),
});

/** Outputs without their padding, by name. */
const visible = ({ b, outputs }: Lowered): Record<string, Value> =>
  Object.fromEntries(
    outputs.map(({ name, value, mask }) => [name, zeroed(b, value, mask ?? null)]),
  );

/** Gradients of a weighted sum of all that is visible. */
function gradients(lowered: Lowered): Record<string, Value> {
  const { b, walked } = lowered;
  const parts = Object.entries(visible(lowered)).flatMap(([name, value]) => {
    if (value.node.types[value.output]?.dtype !== "f32") return [];
    const shape = shapeOf(value).slice(1).map(Number);
    const weights = b.constant({ dtype: "f32", shape, value: [...noise(name, shape).data] });
    const axes = shapeOf(value).map((_, axis) => axis);
    return [b.sum(b.mul(value, weights), { axes, keepDims: false })];
  });
  if (parts.length === 0) return {};
  const loss = parts.reduce((all, part) => b.add(all, part));
  const wanted = {
    ...Object.fromEntries(walked.weights.map(({ name, value }) => [name, value])),
    ...Object.fromEntries(
      reachable([loss]).flatMap((node) =>
        node.kind === "input" && node.attrs.name === "v" ? [["v", { node, output: 0 }]] : [],
      ),
    ),
  };
  const found = backward(b, loss, Object.values(wanted));
  return Object.fromEntries(
    Object.keys(wanted).flatMap((name, i) => {
      const gradient = found[i];
      return gradient ? [[name, gradient]] : [];
    }),
  );
}

/** −0 is 0. */
const unsigned = (value: Values[string] | undefined): number[] =>
  numbers(value).map((number) => number + 0);

describe.each(cases)("%s", (use, definition) => {
  const refuses = definition !== null && (definition.padding ?? "refuses") === "refuses";

  if (refuses) {
    it("refuses sequences with padding, and says what to use", () => {
      const { diagnostics } = lowerUse(use);
      expect(diagnostics.all.map(({ code }) => code)).toEqual(["padded-input"]);
      expect(diagnostics.all[0]?.help).toMatch(/\w+/);
    });
    return;
  }

  it("does not feel what stands in padding", () => {
    const lowered = lowerUse(use);
    expect(lowered.diagnostics.all).toEqual([]);
    const slopes = gradients(lowered);
    const graph = asGraph({
      ...visible(lowered),
      ...Object.fromEntries(Object.entries(slopes).map(([name, value]) => [`d ${name}`, value])),
    });
    const changed = stepsAt((...place) =>
      at(isThere(place[0], place[1]) ? first : second, ...place),
    );
    const [before, after] = [first, changed].map((v) => run(graph, valuesOf(lowered, v), n));
    for (const [name, value] of Object.entries(before as Values)) {
      expect([name, unsigned(after?.[name])]).toEqual([name, unsigned(value)]);
    }
    if (slopes.v === undefined) return;
    const felt = (before as Values)["d v"] as Values[string];
    for (let i = 0; i < felt.data.length; i++) {
      const [row, step] = [Math.floor(i / (steps * channels)), Math.floor(i / channels) % steps];
      if (!isThere(row, step))
        expect([row, step, (felt.data[i] as number) + 0]).toEqual([row, step, 0]);
    }
  });

  const layer = specWith(use).layers.find(({ name }) => name === "tested");
  const roles = layer?.roles ?? ["input"];
  const looksAhead =
    definition === null
      ? /reverse: true|return: last/.test(use)
      : roles.some((role) => definition.looksAhead?.(layer?.fields as never, role, roles) === true);
  if (looksAhead) return;

  it("sees no later steps", () => {
    const lowered = lowerUse(use);
    const output = lowered.outputs.find(({ name }) => name === "tested")?.value as Value;
    const delays = (layer?.from ?? []).map(
      (_, i) =>
        definition?.delay?.(
          layer?.fields as never,
          i,
          (layer?.from ?? []).map(() => ["n", steps, channels]),
        ) ?? 0,
    );
    const shape = concreteShape(shapeOf(output), n);
    const width = shape.slice(2).reduce((a, b) => a * b, 1);
    const graph = asGraph({ tested: output });
    const results = (v: Values[string]): readonly number[] =>
      numbers(run(graph, valuesOf(lowered, v, complete), n).tested);
    const before = results(first);
    for (const from of [1, 3, 5]) {
      const changed = stepsAt((...place) => at(place[1] < from ? first : second, ...place));
      const after = results(changed);
      // Steps before the change, as the output counts them.
      const until = Math.min(shape[1] as number, from + Math.min(...delays));
      for (let row = 0; row < n; row++) {
        const start = row * (shape[1] as number) * width;
        const span = [start, start + Math.max(0, until) * width] as const;
        expect(after.slice(...span)).toEqual(before.slice(...span));
      }
    }
  });
});
