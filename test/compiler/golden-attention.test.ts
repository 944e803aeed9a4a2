/** @file Attention and transformer blocks against PyTorch: test/golden/attention.json, made by make-attention.py. */
import { specFrom } from "../support/from-yaml.js";
import {
  type GoldenLayer,
  masked,
  type Numbers,
  testGoldenLayers,
} from "../support/golden-layers.js";
import { tensor, trained } from "../support/lowering.js";

interface Golden extends GoldenLayer {
  /** The layer as a spec says it, called `layer` there. */
  readonly layer: string;
  /** Real steps of each example. */
  readonly lengths: readonly number[];
  readonly memory?: Numbers;
  readonly memory_lengths?: readonly number[];
  readonly target: Numbers;
}

const feature = ({ shape: [, steps, size] }: Numbers): string =>
  `{ type: sequence, max_length: ${steps}, channels: ${size} }`;

function programsOf({ layer, x, memory }: Golden, accumulate: number) {
  const more = memory === undefined ? "" : `, memory: ${feature(memory)}`;
  return trained(
    specFrom(`data:
  source: { arrays: true }
  features: { x: ${feature(x)}${more} }
  targets: { y: { type: vector, shape: [2] } }
model:
  layers:
    - { ${layer}, as: layer }
    - flatten
    - dense: 2
train:
  loss: mse
  optimizer: { adam: { epsilon: 1.0e-4 } }
  accumulate: ${accumulate}`),
  );
}

testGoldenLayers<Golden>(
  "attention.json",
  programsOf,
  ({ x, lengths, target, memory, memory_lengths = [] }) => ({
    x: masked(x, lengths),
    y: tensor(target.shape, target.data),
    ...(memory === undefined ? {} : { memory: masked(memory, memory_lengths) }),
  }),
);
