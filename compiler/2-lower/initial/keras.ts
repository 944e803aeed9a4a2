/** @file Keras' layout: tensors as variables are named by `path` and shaped, channels last. */
import {
  bothDirections,
  fromTable,
  type LayerRules,
  type Layout,
  type Place,
  splitLast,
  type TensorRule,
} from "./layout.js";

const same = (from: string): TensorRule => ({ from: [from] });

const conv = (axes: string, kernel = "kernel"): LayerRules => ({
  kernel: { from: [kernel], axes },
  bias: same("bias"),
});

const norm: LayerRules = { scale: same("gamma"), offset: same("beta") };

const recurrent: LayerRules = {
  kernel: same("kernel"),
  recurrent_kernel: same("recurrent_kernel"),
  bias: same("bias"),
};

/** Keras has the gates update, reset, candidate, and both biases as rows of one tensor. */
const gates = [1, 0, 2];
const gru: LayerRules = {
  kernel: { from: ["kernel"], gates },
  recurrent_kernel: { from: ["recurrent_kernel"], gates },
  bias: { from: ["bias"], axes: "1 g -> g", part: { of: 2, index: 0 }, gates },
  recurrent_bias: { from: ["bias"], axes: "1 g -> g", part: { of: 2, index: 1 }, gates },
};

const directions = (rules: LayerRules): LayerRules =>
  bothDirections(rules, (name) => `backward_${name}`);

const dense: LayerRules = { kernel: same("kernel"), bias: same("bias") };

/** The cell in a recurrent layer, and the two directions in `bidirectional`, are parts of one module here. */
const cell = /[./](?:lstm|gru|simple_rnn)_cell(?:_\d+)?$/;
const direction = /[./](forward|backward)_[^./]+$/;

function placeOf(name: string): Place {
  const { module, tensor } = splitLast(name.replace(/:0$/, ""), /[./]/g);
  const outer = module.replace(cell, "");
  const [, which] = direction.exec(outer) ?? [];
  if (which === undefined) return { module: outer, tensor };
  const prefix = which === "backward" ? "backward_" : "";
  return { module: outer.replace(direction, ""), tensor: `${prefix}${tensor}` };
}

/** `sequential/` before all names: the name of the model, which says nothing. */
function modelOf(names: readonly string[]): string {
  const [model = ""] = /^[^./]+[./]/.exec(names[0] ?? "") ?? [];
  const isModel = (name: string): boolean => {
    const rest = name.slice(model.length);
    return (
      name.startsWith(model) &&
      /[./]/.test(rest) &&
      !/^(?:forward|backward)_|^[a-z_]+_cell[_\d]*[./]/.test(rest)
    );
  };
  return names.every(isModel) ? model : "";
}

/** By layer type. */
export const kerasTable: Readonly<Record<string, LayerRules>> = {
  dense,
  logits: dense,
  conv1d: conv("w i o -> o i 1 w"),
  conv2d: conv("h w i o -> o i h w"),
  depthwise_conv2d: conv("h w c m -> (c m) 1 h w", "kernel|depthwise_kernel"),
  separable_conv2d: {
    depthwise_kernel: { from: ["depthwise_kernel"], axes: "h w c m -> (c m) 1 h w" },
    pointwise_kernel: { from: ["pointwise_kernel"], axes: "h w i o -> o i h w" },
    bias: same("bias"),
  },
  shortcut: conv("h w i o -> o i h w"),
  transposed_conv2d: conv("h w o i -> i o h w"),
  embedding: { table: same("embeddings") },
  positions: { table: same("embeddings") },
  batch_norm: { ...norm, mean: same("moving_mean"), variance: same("moving_variance") },
  layer_norm: norm,
  group_norm: norm,
  prelu: { slope: same("alpha") },
  simple_rnn: directions(recurrent),
  lstm: directions(recurrent),
  gru: directions(gru),
  rnn_cell: recurrent,
  lstm_cell: recurrent,
  gru_cell: gru,
};

export const keras: Layout = {
  title: "Keras",
  channelsFirst: false,
  // State of random layers, which is no weight.
  ignored: new Set(["seed_generator_state"]),
  places: (names) => {
    const model = modelOf(names);
    return new Map(names.map((name) => [name, placeOf(name.slice(model.length))]));
  },
  rules: fromTable(kerasTable),
};
