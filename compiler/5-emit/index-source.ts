/** @file The module `index.ts` of a generated package: the typed API over the runtime's model. */
import type { CompiledModel } from "../compiled-model.js";
import { apiTypes } from "./api-types.js";
import { fill, stringLiteral } from "./literal.js";
import { metricTypes } from "./metric-types.js";
import { NameScope } from "./name-scope.js";
import type { ProgramKey } from "./program-source.js";
import type { SourceLines } from "./source-lines.js";
import { specExports } from "./spec-source.js";

/** Names that the module declares or imports, whatever the model is called. */
const taken = [
  ...["Input", "Target", "Output", "Metrics", "Label", "Model", "definition", "load", "train"],
  ...["Types", "AnyModel", "ModelDefinition", "ModelOptions", "createModel"],
  ...["ImageInput", "VectorInput", "CategoryOutput", "BinaryOutput", "NumberOutput"],
  "TensorOutput",
];

export interface ProgramModule {
  readonly file: string;
  readonly programs: readonly ProgramKey[];
}

export interface IndexContext {
  readonly modules: readonly ProgramModule[];
  /** URL of the spec's folder, relative to the package. */
  readonly base: string;
}

function importLine(names: readonly string[], from: string, what = "import"): string {
  const line = `${what} { ${names.join(", ")} } from ${stringLiteral(from)};`;
  if (line.length <= 100) return line;
  return `${what} {\n${fill(names, "  ").join("\n")}\n} from ${stringLiteral(from)};`;
}

export function writeIndex(
  model: CompiledModel,
  { modules, base }: IndexContext,
  out: SourceLines,
): void {
  const types = apiTypes(model, NameScope.create(taken));
  const runtimeTypes = ["Model as AnyModel", "ModelDefinition", "ModelOptions", ...types.imports];
  const programs = modules.flatMap((module) => module.programs);
  const declare = (name: string, text: string, about: string): void =>
    out.add(`\n/** ${about} */\nexport type ${name} = ${text};`);

  out.add(importLine(["createModel"], "@dlc/runtime"));
  out.add(importLine(runtimeTypes, "@dlc/runtime", "import type"));
  for (const { file, programs } of modules) {
    const names = programs.map((key) => `${key}Program`);
    out.add(importLine(names, `./${file}.js`));
  }
  out.add(importLine(specExports, "./spec.js"));
  for (const label of types.labels) out.add(`\n${label}`);
  if (types.label !== null) declare("Label", types.label, "What the model tells apart.");
  declare("Input", types.input, "The features of one example.");
  declare("Target", types.target, "What training compares with, for one example.");
  declare("Output", types.output, "What the model predicts for one example.");
  declare("Metrics", metricTypes(model), "What an evaluation measures.");
  out.add(
    [
      "",
      "export type Types = {",
      "  readonly input: Input;",
      "  readonly target: Target;",
      "  readonly output: Output;",
      "  readonly metrics: Metrics;",
      "};",
      "",
      "/** A model in memory: train(), evaluate(), predict(), save(). */",
      "export type Model = AnyModel<Types>;",
      "",
      "/** The model as the runtime takes it. */",
      "export const definition: ModelDefinition = {",
      "  name, dlcVersion, specHash, stateHash, data, facts, state, heads,",
      "  train: trainSettings,",
      "  programs: {",
      ...programs.map((key) => `    ${key}: ${key}Program,`),
      "  },",
      "};",
      "",
      "/** Makes the model, with the weights that `options.weights` names. Dispose of it when done. */",
      "export function load(options: ModelOptions = {}): Promise<Model> {",
      "  // Paths in the specification are relative to its folder.",
      `  const base = new URL(${stringLiteral(base)}, import.meta.url);`,
      "  return createModel<Types>(definition, { base, ...options });",
      "}",
    ].join("\n"),
  );
}
