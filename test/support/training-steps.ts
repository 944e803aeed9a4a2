/** @file Steps of a model's training program without a trainer. */
import { type Engine, type HostTensor, type ModelDefinition, random } from "@dlc/runtime";
import { sampleInputs } from "./model-inputs.js";

/** Takes training steps of these numbers from a state to the next, on eight examples that are always the same. */
export async function takeSteps(
  engine: Engine,
  definition: ModelDefinition,
  begins: Readonly<Record<string, HostTensor>>,
  numbers: readonly number[],
): Promise<Record<string, HostTensor>> {
  const { train } = definition.programs;
  if (train === undefined) throw new Error("the model does not train");
  const n = 8;
  const state = engine.createState(definition.state, begins);
  const inputs = sampleInputs(definition, train, n);
  const executable = await engine.prepare(train, n);
  for (const step of numbers) {
    const scalars = { learning_rate: 0.001, step, random_key: random.derive(7, step) };
    await executable.run({ inputs, scalars, state });
  }
  const values = await state.read();
  state.dispose();
  return values;
}
