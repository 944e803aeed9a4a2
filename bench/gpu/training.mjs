/** @file One of the generated packages on an engine, ready to train on the rows that it came with. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createEngine, initialState, random } from "@dlc/runtime";

const generated = new URL("./generated/", import.meta.url);

export const dataOf = (model) =>
  JSON.parse(readFileSync(new URL(`data/${model}.json`, generated), "utf8"));

const arrays = { u8: Uint8Array, i32: Int32Array, f32: Float32Array };

/** The inputs of a batch: the rows at hand, from the first again after the last. */
export function inputsOf(model, batch) {
  const { rows, inputs } = dataOf(model);
  const entries = inputs.map(({ name, dtype, shape, file }) => {
    const bytes = readFileSync(fileURLToPath(new URL(`data/${file}`, generated)));
    const size = bytes.length / rows;
    const all = new Uint8Array(batch * size);
    for (let row = 0; row < batch; row++) {
      const from = (row % rows) * size;
      all.set(bytes.subarray(from, from + size), row * size);
    }
    const data = new arrays[dtype](all.buffer);
    return [name, { dtype, shape: [batch, ...shape], data }];
  });
  return Object.fromEntries(entries);
}

/**
 * A training in progress: `step()` trains on the batch as the trainer does (`engine.stepsPerCall` batches in
 * one call where the engine wants that) and gives the losses.
 */
export async function openTraining({ engine: name, device, threads, model, batch }) {
  const { definition } = await import(new URL(`models/${model}/index.js`, generated).href);
  const { engine } = await createEngine({ engine: name, device, threads });
  const { state: specs, programs, train } = definition;
  const state = engine.createState(specs, initialState(specs, train.seed));
  const executable = await engine.prepare(programs.train, batch);
  const inputs = inputsOf(model, batch);
  const { learningRate } = dataOf(model);
  let steps = 0;
  const scalars = () => {
    steps++;
    const all = {
      learning_rate: learningRate,
      step: steps,
      random_key: random.derive(train.seed, steps),
    };
    return Object.fromEntries(
      Object.entries(all).filter(([key]) => programs.train.scalars[key] !== undefined),
    );
  };
  const lossOf = ({ loss }) => loss.data[0];
  const isNumber = (outputs) => Number.isFinite(lossOf(outputs));

  async function one() {
    const call = { inputs, scalars: scalars(), state, commit: isNumber };
    return [lossOf(await executable.run(call))];
  }
  async function several(count) {
    const calls = Array.from({ length: count }, () => ({ inputs, scalars: scalars() }));
    const commit = (all) => all.every(isNumber);
    return (await executable.runSteps({ steps: calls, state, commit })).map(lossOf);
  }
  const perCall = executable.runSteps === undefined ? 1 : (engine.stepsPerCall ?? 1);
  return {
    engine,
    state,
    perCall,
    /** Exactly one step. */
    one,
    step: () => (perCall > 1 ? several(perCall) : one()),
  };
}
