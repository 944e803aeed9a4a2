/** @file The module `spec.ts` of a generated package: the resolved spec as data. */
import type { CompiledModel } from "../compiled-model.js";
import { version } from "../version.js";
import type { Hashes } from "./hashes.js";
import { print } from "./literal.js";
import { type PrintableStyle, printable } from "./printable.js";
import type { SourceLines } from "./source-lines.js";

/** Names that the module exports. */
export const specExports = [
  "name",
  "dlcVersion",
  "specHash",
  "stateHash",
  "data",
  "facts",
  "trainSettings",
  "state",
  "heads",
  "generation",
  "initialWeights",
] as const;

export function writeSpec(model: CompiledModel, hashes: Hashes, out: SourceLines): void {
  const { spec, facts, state, heads } = model;
  const entry = (
    name: (typeof specExports)[number],
    type: string,
    value: unknown,
    about: string,
    style: PrintableStyle = {},
  ): void => {
    const start = `export const ${name}: ${type} = `;
    const text = print(printable(value, style), { used: start.length + 1 });
    out.add(`\n/** ${about} */\n${start}${text};`);
  };
  const own = model.generate === undefined ? "" : "GenerateSpec, ";
  const init = model.initial === undefined ? "" : "InitialWeights, ";
  out.add(
    `import type { DataSpec, FittedFacts, ${own}HeadSpec, ${init}StateSpec, TrainSpec } from "@dlc/runtime";`,
  );
  entry("name", "string", spec.name, "The model's name.");
  entry("dlcVersion", "string", version, "The version of dlc that wrote this package.");
  entry("specHash", "string", hashes.spec, "SHA-256 of the resolved specification.");
  entry("stateHash", "string", hashes.state, "SHA-256 of the state's names, shapes and dtypes.");
  entry(
    "data",
    "DataSpec | null",
    spec.data,
    "Where rows come from and how they are split and read.",
  );
  entry(
    "facts",
    "FittedFacts",
    facts,
    "What was fitted on the training split when this was built.",
    {
      record: true,
    },
  );
  entry(
    "trainSettings",
    "TrainSpec | null",
    spec.train?.settings ?? null,
    "How to train: epochs, batches, schedule, metrics.",
  );
  entry(
    "state",
    "Readonly<Record<string, StateSpec>>",
    state,
    "Every tensor that outlives a step, and how it starts.",
    { record: true, packed: true },
  );
  if (model.generate !== undefined) {
    entry("generation", "GenerateSpec", model.generate, "What generate() makes, and from what.");
  }
  if (model.initial !== undefined) {
    entry(
      "initialWeights",
      "InitialWeights",
      model.initial,
      "What a new run starts from: the tensors of a file, and what is done to each.",
      { packed: true },
    );
  }
  entry("heads", "readonly HeadSpec[]", heads, "What the model predicts.");
}
