/** @file The module `index.ts` of a generated package: the typed API over the runtime's model. */
import type { CompiledModel } from "../compiled-model.js";
import { apiTypes } from "./api-types.js";
import { stringLiteral } from "./literal.js";
import { metricTypes } from "./metric-types.js";
import { NameScope } from "./name-scope.js";
import type { ProgramKey } from "./program-source.js";
import type { SourceLines } from "./source-lines.js";
import { specExports } from "./spec-source.js";

/** Types that every package exports, and names that its module uses. */
const exported = ["Input", "Target", "Output", "Metrics", "Label", "Model"];
const internal = ["ModelTypes", "AnyModel"];

export interface ProgramModule {
  readonly file: string;
  readonly programs: readonly ProgramKey[];
}

const importLine = (names: readonly string[], file: string, type = false): string => {
  const line = `import ${type ? "type " : ""}{ ${names.join(", ")} } from ${stringLiteral(file)};`;
  return line.length <= 100
    ? line
    : `import ${type ? "type " : ""}{\n${names.map((n) => `  ${n},\n`).join("")}} from ${stringLiteral(file)};`;
};

export function writeIndex(
  model: CompiledModel,
  modules: readonly ProgramModule[],
  out: SourceLines,
): void {
  const taken = ["ImageInput", "VectorInput", "CategoryOutput", "BinaryOutput", "NumberOutput"];
  const scope = NameScope.create([
    ...exported,
    ...internal,
    ...taken,
    ...["TensorOutput", "ModelDefinition", "ModelOptions"],
  ]);
  const types = apiTypes(model, scope);
  const programs = modules.flatMap((module) => module.programs);
  out.add(importLine(["createModel"], "@dlc/runtime"));
  const used = ["Model as AnyModel", "ModelDefinition", "ModelOptions", ...types.imports].sort();
  out.add(importLine(used, "@dlc/runtime", true));
  for (const { file, programs } of modules) {
    out.add(importLine(programs.map((key) => `${key}Program`).sort(), `./${file}.js`));
  }
  out.add(importLine([...specExports].sort(), "./spec.js"));
  const type = (name: string, text: string, about: string): void =>
    out.add(`\n/** ${about} */\nexport type ${name} = ${text};`);
  for (const label of types.labels) out.add(`\n${label}`);
  if (types.label !== null) type("Label", types.label, "What the model tells apart.");
  type("Input", types.input, "The features of one example.");
  type("Target", types.target, "What training compares with, for one example.");
  type("Output", types.output, "What the model predicts for one example.");
  type("Metrics", metricTypes(model), "What an evaluation gives.");
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
      "/** The model: train(), evaluate(), predict(). */",
      "export type Model = AnyModel<Types>;",
      "",
      "/** The whole model as the runtime takes it. */",
      "export const definition: ModelDefinition = {",
      "  ...{ name, dlcVersion, specHash, stateHash },",
      "  ...{ data, facts, state, heads },",
      "  train: trainSettings,",
      "  programs: {",
      ...programs.map((key) => `    ${key}: ${key}Program,`),
      "  },",
      "};",
      "",
      "/** Starts an engine and makes the model, with fresh weights unless `options.weights` says which. */",
      "export function load(options: ModelOptions = {}): Promise<Model> {",
      "  return createModel<Types>(definition, options);",
      "}",
    ].join("\n"),
  );
}
