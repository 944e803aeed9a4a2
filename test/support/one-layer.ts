/** @file Runs a few layers on given numbers. */
import { advance, lowered, run, tensor, type Values } from "./lowering.js";
import { specOf, vector } from "./spec.js";

export interface LayerRun {
  /** The last layer's output. */
  readonly output: Values[string];
  /** State after a training step's forward pass; unchanged in inference. */
  readonly state: Values;
}

/** Shape of the input `x` without its batch of `n`, its elements, and the state to run with. */
export interface LayerInput {
  readonly n: number;
  readonly shape: readonly number[];
  readonly x: ArrayLike<number>;
  readonly state?: Readonly<Record<string, ArrayLike<number>>>;
  /** u32 for random layers. */
  readonly key?: number;
  /** Number of the update, for layers that change with it. */
  readonly step?: number;
}

/** Runs the layers in inference mode, or (training) as the training step's forward pass does. */
export function runLayers(layers: string, input: LayerInput, training = false): LayerRun {
  const { n, shape } = input;
  const spec = specOf({
    features: { x: vector(...shape) },
    layers,
    // A constant target leaves the output as it is: the head of mse is the identity.
    train: training ? { losses: [{ kind: "mse", target: 0 }] } : null,
  });
  const model = lowered(spec);
  const values: Values = { x: tensor([n, ...shape], Float64Array.from(input.x)) };
  for (const [name, { shape: of }] of Object.entries(model.state)) {
    values[name] = tensor(of, Float64Array.from(input.state?.[name] ?? []));
  }
  if (input.key !== undefined) values.random_key = tensor([], [input.key], "u32");
  if (input.step !== undefined) values.step = tensor([], [input.step]);
  const graph = training ? model.training : model.infer;
  if (graph === null) throw new Error("nothing to run");
  const results = run(graph, values, n);
  const head = model.heads[0]?.name ?? "";
  return { output: results[head] as Values[string], state: advance(values, results) };
}
