/** @file A program of ours as a peer: state and inputs as the trainer gives them. */
import { createEngine } from "../../runtime/dist/index.js";
import { adam, initialWeights, makeBatch, sizeOf } from "../network.mjs";

export async function programPeer({ name, batch, threads, program, specs, inputs, first }) {
  const { engine } = await createEngine({ threads });
  const values = Object.fromEntries(
    Object.entries(specs).map(([key, { shape, dtype }]) => [
      key,
      { dtype, shape, data: first[key] ?? new Float32Array(sizeOf(shape)) },
    ]),
  );
  const state = engine.createState(specs, values);
  const executable = await engine.prepare(program, batch);
  let updates = 0;
  async function step() {
    updates++;
    const { loss } = await executable.run({
      inputs,
      scalars: { learning_rate: adam.rate, step: updates, random_key: updates },
      state,
    });
    return loss.data[0];
  }
  return { name, step, close: () => engine.dispose() };
}

export function handWrittenProgram({ batch, threads, name, program, specs }) {
  const { images, labels } = makeBatch(batch);
  return programPeer({
    name,
    batch,
    threads,
    program,
    specs,
    inputs: {
      image: { dtype: "u8", shape: [batch, 32, 32, 3], data: images },
      label: { dtype: "i32", shape: [batch], data: labels },
    },
    first: initialWeights(),
  });
}
