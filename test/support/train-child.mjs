/**
 * @file A process that trains the small model with the built runtime, to be killed by its parent.
 * Prints `training` when it has begun and `finished` at the end.
 */
import { createEngine, random, train } from "@dlc/runtime";
import { tinyModel, tinyPoints, tinySource } from "./tiny-model.mjs";

const definition = tinyModel({
  accumulate: 3,
  ema: true,
  settings: {
    epochs: 12,
    schedule: { kind: "reduce_on_plateau", factor: 0.5, patience: 2, minimum: 0 },
    warmupSteps: 5,
    earlyStopping: { patience: 6, minDelta: 0, restoreBest: true },
    checkpoint: { everySteps: 1, keep: 2 },
  },
});
const { engine } = await createEngine({ threads: 1 });
const { result } = await train(definition, {
  engine,
  data: {
    train: tinySource(tinyPoints(132, 1), random.permutation),
    validation: tinySource(tinyPoints(40, 2), random.permutation),
  },
  run: process.argv[2],
  onEvent: ({ kind }) => {
    if (kind === "started") process.stdout.write("training\n");
  },
});
process.stdout.write(`finished ${result.status}\n`);
await engine.dispose();
