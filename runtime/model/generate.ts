/** @file New examples from random numbers, through the generate program. */
import { encodeInputs } from "../data/index.js";
import type { DeviceState, Engine } from "../engine.js";
import { DlcError } from "../errors.js";
import { derive, keyOf } from "../random.js";
import type { GenerateSpec, ModelDefinition } from "../spec.js";
import type { HostTensor } from "../tensor.js";
import { scalarsOf } from "../trainer/scalars.js";
import { decodeOutputs } from "./decode.js";
import type { GenerateOptions } from "./types.js";

/** Examples per call. Every call is of this size, so that an example does not depend on how many follow. */
const chunk = 16;

/** Separates generation from every other use of the seed. */
const purpose = keyOf("generate");

type Given = Readonly<Record<string, unknown>>;

export interface Generator {
  readonly definition: ModelDefinition;
  readonly engine: Engine;
  readonly state: DeviceState;
}

/** @throws DlcError `cannot-generate`, `invalid-setting`, and those of encodeInputs for what is given. */
export async function generateExamples(
  { definition, engine, state }: Generator,
  options: GenerateOptions<Given>,
): Promise<unknown[]> {
  const { program, spec } = requireGenerator(definition);
  const { seed = 0 } = options;
  const given = givenOf(options, spec, definition);
  const executable = await engine.prepare(program, chunk);
  const results: unknown[] = [];
  for (let start = 0; start < given.length; start += chunk) {
    const rows = Array.from(
      { length: chunk },
      (_, i) => given[Math.min(start + i, given.length - 1)] as Given,
    );
    const random_key = derive(derive(seed, purpose), start / chunk);
    const outputs = await executable.run({
      inputs: await encoded(definition, spec, rows),
      scalars: scalarsOf(program, { learning_rate: 0, step: 0, random_key }),
      state,
    });
    const examples = decodeOutputs([spec.head], outputs, chunk);
    results.push(...examples.slice(0, given.length - start));
  }
  return results;
}

async function encoded(
  { data, facts, programs }: ModelDefinition,
  { given }: GenerateSpec,
  rows: readonly Given[],
): Promise<Record<string, HostTensor>> {
  if (given.length === 0) return {};
  const inputs = programs.generate?.inputs ?? {};
  return encodeInputs({ data, facts, programs: { infer: { inputs } } }, rows);
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

/** What each example is made for: one entry per example. */
function givenOf(
  { count, seed = 0, given }: GenerateOptions<Given>,
  spec: GenerateSpec,
  { name }: ModelDefinition,
): readonly Given[] {
  const list = given === undefined ? null : ([given].flat() as readonly Given[]);
  const wanted = count ?? (Array.isArray(given) ? (list?.length ?? 0) : 1);
  for (const [setting, value] of Object.entries({ count: wanted, seed })) {
    const least = setting === "count" ? 1 : 0;
    if (Number.isSafeInteger(value) && value >= least && value <= 0xffffffff) continue;
    throw new DlcError(
      "invalid-setting",
      `${setting} is ${value}, not a whole number from ${least} up`,
      {
        place: setting,
      },
    );
  }
  if (spec.given.length === 0 && list !== null) {
    throw new DlcError(
      "invalid-setting",
      `${name} generates without conditions, but some are given`,
      {
        place: "given",
      },
    );
  }
  if (Array.isArray(given) && list !== null && list.length !== wanted) {
    throw new DlcError(
      "invalid-setting",
      `count is ${wanted}, but the number of conditions is ${list.length}`,
      { place: "given" },
    );
  }
  if (list === null || !Array.isArray(given)) {
    return Array.from({ length: wanted }, () => list?.[0] ?? {});
  }
  return list;
}
