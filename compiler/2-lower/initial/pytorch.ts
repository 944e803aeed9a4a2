/** @file PyTorch's layout: tensors as `state_dict()` names and shapes them. */
import {
  bothDirections,
  fromTable,
  type LayerRules,
  type Layout,
  type Place,
  splitLast,
  type TensorRule,
} from "./layout.js";

const vector = (from: string, along: "input" | "output" = "output"): TensorRule => ({
  from: [from],
  along: [along],
});

const conv = (axes?: string): LayerRules => ({
  kernel: { from: ["weight"], ...(axes === undefined ? {} : { axes }) },
  bias: { from: ["bias"] },
});

const norm: LayerRules = { scale: vector("weight", "input"), offset: vector("bias", "input") };

/** Our one bias where PyTorch adds two. */
const summed: LayerRules = {
  kernel: { from: ["weight_ih"], axes: "g i -> i g", along: ["input", null] },
  recurrent_kernel: { from: ["weight_hh"], axes: "g h -> h g" },
  bias: { from: ["bias_ih", "bias_hh"] },
};

/** The candidate's recurrent bias is inside of the reset gate, so that two biases stay. */
const gru: LayerRules = {
  ...summed,
  bias: { from: ["bias_ih"] },
  recurrent_bias: { from: ["bias_hh"] },
};

const directions = (rules: LayerRules): LayerRules =>
  bothDirections(rules, (name) => `${name}_reverse`);

/** `weight_ih_l1_reverse`: kind of tensor, layer, direction. */
const recurrentName = /^((?:weight|bias)_(?:ih|hh|hr))_l(\d+)(_reverse)?$/;

/** The two dense layers of a transformer layer. */
const feedForwardName = /^linear([12])$/;

/**
 * A stack of recurrent layers (`num_layers`) is one module there and several layers here: `rnn` becomes
 * `rnn.l0`, `rnn.l1` … What is several modules there and one layer here becomes one: an attention with
 * its `out_proj`, `linear1` and `linear2` of a transformer layer as `linear`, and a module that holds
 * `depthwise` and `pointwise`.
 */
function places(names: readonly string[]): ReadonlyMap<string, Place> {
  const plain = names.map((name) => ({ name, ...splitLast(name, /\./g) }));
  const modulesWith = (belongs: (tensor: string) => boolean): ReadonlySet<string> =>
    new Set(plain.flatMap(({ module, tensor }) => (belongs(tensor) ? [module] : [])));
  const stacks = modulesWith((tensor) => Number(recurrentName.exec(tensor)?.[2] ?? 0) > 0);
  const attentions = modulesWith((tensor) => tensor.startsWith("in_proj_"));
  const all = modulesWith(() => true);
  const separable = (module: string): boolean =>
    all.has(`${module}.depthwise`) && all.has(`${module}.pointwise`);
  const transformers = new Set([...attentions].map((name) => splitLast(name, /\./g).module));
  return new Map(
    plain.map(({ name, module, tensor }): [string, Place] => {
      const [, kind, layer, reverse = ""] = recurrentName.exec(tensor) ?? [];
      if (kind !== undefined) {
        const inner = module === "" ? `l${layer}` : `${module}.l${layer}`;
        return [name, { module: stacks.has(module) ? inner : module, tensor: kind + reverse }];
      }
      const outer = splitLast(module, /\./g);
      const [, number] = feedForwardName.exec(outer.tensor) ?? [];
      if (number !== undefined && transformers.has(outer.module)) {
        const joined = module.slice(0, -1);
        return [name, { module: joined, tensor: `${number}.${tensor}` }];
      }
      const isPart =
        outer.tensor === "out_proj"
          ? attentions.has(outer.module)
          : /^(?:depth|point)wise$/.test(outer.tensor) && separable(outer.module);
      return isPart
        ? [name, { module: outer.module, tensor: `${outer.tensor}.${tensor}` }]
        : [name, { module, tensor }];
    }),
  );
}

const dense: LayerRules = {
  kernel: { from: ["weight"], axes: "o i -> i o", along: ["input", "output"] },
  bias: vector("bias"),
};

const linear = (from: string): TensorRule => ({ from: [from], axes: "o i -> i o" });

/** MultiheadAttention keeps queries, keys and values as thirds of one tensor, as our self-attention does. */
const attention: LayerRules = {
  kernel: linear("in_proj_weight|weight"),
  bias: { from: ["in_proj_bias"] },
  query_kernel: { ...linear("in_proj_weight"), part: { of: 3, index: 0 } },
  query_bias: { from: ["in_proj_bias"], part: { of: 3, index: 0 } },
  memory_kernel: { ...linear("in_proj_weight"), part: { of: 3, index: 1, count: 2 } },
  memory_bias: { from: ["in_proj_bias"], part: { of: 3, index: 1, count: 2 } },
  score_kernel: linear("weight"),
  output_kernel: linear("out_proj.weight"),
  output_bias: { from: ["out_proj.bias"] },
};

/** By layer type. */
export const pytorchTable: Readonly<Record<string, LayerRules>> = {
  dense,
  logits: dense,
  attention,
  feed_forward: {
    hidden_kernel: linear("1.weight"),
    hidden_bias: { from: ["1.bias"] },
    output_kernel: linear("2.weight"),
    output_bias: { from: ["2.bias"] },
  },
  conv1d: conv("o i w -> o i 1 w"),
  conv2d: conv(),
  depthwise_conv2d: conv(),
  shortcut: conv(),
  transposed_conv2d: conv(),
  separable_conv2d: {
    depthwise_kernel: { from: ["depthwise.weight"] },
    pointwise_kernel: { from: ["pointwise.weight"] },
    bias: { from: ["pointwise.bias"] },
  },
  embedding: { table: { from: ["weight"] } },
  positions: { table: { from: ["weight"] } },
  batch_norm: {
    ...norm,
    mean: vector("running_mean", "input"),
    variance: vector("running_var", "input"),
  },
  layer_norm: norm,
  group_norm: norm,
  prelu: { slope: vector("weight", "input") },
  simple_rnn: directions(summed),
  lstm: directions(summed),
  gru: directions(gru),
  rnn_cell: summed,
  lstm_cell: summed,
  gru_cell: gru,
};

export const pytorch: Layout = {
  title: "PyTorch",
  channelsFirst: true,
  ignored: new Set(["num_batches_tracked"]),
  places,
  rules: fromTable(pytorchTable),
};
