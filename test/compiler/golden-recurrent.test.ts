/** @file Recurrent layers against PyTorch: test/golden/recurrent.json, made by make-recurrent.py. */
import type { FeatureSpec } from "@dlc/runtime";
import {
  type GoldenLayer,
  masked,
  type Numbers,
  testGoldenLayers,
} from "../support/golden-layers.js";
import { tensor, trained, type Values } from "../support/lowering.js";
import { specOf, vector } from "../support/spec.js";

interface Golden extends GoldenLayer {
  readonly kind: string;
  readonly sequence: boolean;
  readonly bidirectional: boolean;
  readonly state?: Numbers;
  /** Of examples of different lengths: behind them stands padding. */
  readonly lengths?: readonly number[];
  readonly target: Numbers;
}

/** A column of `[n, …]` numbers: where examples have lengths, a sequence. */
function columnOf({ lengths }: Golden, { shape }: Numbers): FeatureSpec {
  const [, length = 1, channels] = shape;
  if (lengths === undefined || channels === undefined) return vector(...shape.slice(1));
  return { type: "sequence", column: "c", length, channels, scale: "none", truncate: false };
}

/** Its batch; a sequence has a last channel that says where its steps are. */
const batchOf = (golden: Golden, numbers: Numbers): Values[string] =>
  columnOf(golden, numbers).type === "sequence"
    ? masked(numbers, golden.lengths ?? [])
    : tensor(numbers.shape, numbers.data);

function programsOf(golden: Golden, accumulate: number) {
  const { kind, sequence, bidirectional, x, state, target } = golden;
  const from = state === undefined ? "x" : "{ input: x, state: state }";
  const fields = `{ units: 5, return: ${sequence ? "sequence" : "last"}, bidirectional: ${bidirectional} }`;
  return trained(
    specOf({
      features: {
        x: columnOf(golden, x),
        ...(state === undefined ? {} : { state: vector(...state.shape.slice(1)) }),
        y: columnOf(golden, target),
      },
      layers: `- ${kind}: ${fields}\n  as: layer\n  from: ${from}\n- dense: 2`,
      train: {
        losses: [{ kind: "mse", target: "y" }],
        optimizer: { kind: "adam", epsilon: 1e-8 },
        accumulate,
      },
    }),
  );
}

testGoldenLayers<Golden>("recurrent.json", programsOf, (golden) => ({
  x: batchOf(golden, golden.x),
  y: batchOf(golden, golden.target),
  ...(golden.state === undefined ? {} : { state: tensor(golden.state.shape, golden.state.data) }),
}));
