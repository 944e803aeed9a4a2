/** @file New examples from random numbers, through the generate program. */
import type { Pictures } from "../../data/pictures.js";
import type { DeviceState, Engine } from "../../engine.js";
import type { Program } from "../../program.js";
import { derive, keyOf } from "../../random.js";
import type { GenerateSpec, ModelDefinition } from "../../spec.js";
import { scalarsOf } from "../../trainer/scalars.js";
import { decodeOutputs } from "../decode.js";
import type { GenerateOptions } from "../types.js";
import { encodeGiven, type Given, perExample, requireConditions } from "./conditions.js";

/** Examples per call. Every call is of this size, so that an example does not depend on how many follow. */
export const chunk = 16;

/** Separates generation from every other use of the seed. */
export const purpose = keyOf("generate");

export interface Generator {
  readonly definition: ModelDefinition;
  readonly engine: Engine;
  readonly state: DeviceState;
  /** How images are read that generation is given. */
  readonly pictures: Pictures;
}

/** Items `start … start + chunk − 1` of a list, the last of all repeated beyond its end. */
export const chunkOf = <T>(list: readonly T[], start: number): readonly T[] =>
  Array.from({ length: chunk }, (_, i) => list[Math.min(start + i, list.length - 1)] as T);

/** @throws DlcError `invalid-setting`, and those of encodeInputs for what is given. */
export async function examplesOfNoise(
  { definition, engine, state, pictures }: Generator,
  { program, spec }: { readonly program: Program; readonly spec: GenerateSpec },
  options: GenerateOptions<Given>,
): Promise<unknown[]> {
  const { seed = 0 } = options;
  const rows = perExample(options, { given: options.given });
  requireConditions(options.given, spec.given, definition);
  const given = rows.map((row) => (row.given ?? {}) as Given);
  const executable = await engine.prepare(program, chunk);
  const results: unknown[] = [];
  for (let start = 0; start < given.length; start += chunk) {
    const random_key = derive(derive(seed, purpose), start / chunk);
    const outputs = await executable.run({
      inputs: await encodeGiven(pictures, definition, spec.given, chunkOf(given, start)),
      scalars: scalarsOf(program, { learning_rate: 0, step: 0, random_key }),
      state,
    });
    const examples = decodeOutputs([spec.head], outputs, chunk);
    results.push(...examples.slice(0, given.length - start));
  }
  return results;
}
