/** @file `generate()`: new examples, from random numbers or token by token. */
import { DlcError } from "../../errors.js";
import type { ModelDefinition } from "../../spec.js";
import type { SequenceOptions } from "../types.js";
import type { Given } from "./conditions.js";
import { examplesOfNoise, type Generator } from "./examples.js";
import { generateSequences } from "./sequences.js";
import { requireNoSearch } from "./settings.js";

export { predictSequences } from "./sequences.js";

/**
 * @throws DlcError `cannot-generate`, `invalid-setting`, `empty-prompt`, `prompt-too-long`,
 * `unknown-in-prompt`, and those of encodeInputs for what is given.
 */
export async function generateExamples(
  generator: Generator,
  options: SequenceOptions<Given>,
): Promise<unknown[]> {
  const { definition } = generator;
  const made = requireGenerator(definition);
  if (made.spec.sequence !== undefined) {
    return generateSequences(generator, made.spec, made.spec.sequence, options);
  }
  requireNoSearch(options, definition);
  return examplesOfNoise(generator, made, options);
}

function requireGenerator({ name, generate, programs }: ModelDefinition) {
  const program = programs.generate;
  if (!generate || program === undefined) {
    throw new DlcError("cannot-generate", `${name} generates nothing`, {
      place: "generate",
      help: "Add a generate section to its spec and build it again.",
    });
  }
  return { program, spec: generate };
}
