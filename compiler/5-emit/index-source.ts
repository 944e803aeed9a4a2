/** @file The module `index.ts` of a generated package: the typed API over the runtime's model. */
import type { CompiledModel, CompiledPhase } from "../compiled-model.js";
import { bug } from "../diagnostics/diagnostic.js";
import { apiTypes } from "./api-types.js";
import { fill, numberLiteral, stringLiteral } from "./literal.js";
import { metricTypes } from "./metric-types.js";
import { NameScope } from "./name-scope.js";
import type { ProgramModule } from "./program-modules.js";
import type { EmittedProgram } from "./program-source.js";
import type { SourceLines } from "./source-lines.js";
import { specExports } from "./spec-source.js";

/** Names that the module declares or imports, whatever the model is called. */
const taken = [
  ...["Input", "Target", "Output", "Metrics", "Label", "Model", "definition", "load", "train"],
  ...["Given", "Generated", "generation"],
  ...["Types", "AnyModel", "ModelDefinition", "ModelOptions", "createModel"],
  ...["ImageInput", "VectorInput", "CategoryOutput", "BinaryOutput", "NumberOutput"],
  ...["TensorOutput", "TokensOutput", "TextOutput", "GeneratedText"],
];

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

/** The phases in their order, with what the trainer needs to know of each. */
function phaseLines(
  phases: readonly CompiledPhase[],
  programs: readonly EmittedProgram[],
): readonly string[] {
  if (phases.length === 0) return [];
  const entries = phases.map(
    ({ name, steps, learningRate, epochs: [first, last] }, i) =>
      `      { name: ${stringLiteral(name)}, steps: ${steps}, learningRate: ${learningRate === null ? "null" : numberLiteral(learningRate)}, epochs: [${first}, ${last}], train: ${programs[i]?.constant} },`,
  );
  return ["    phases: [", ...entries, "    ],"];
}

export function writeIndex(
  model: CompiledModel,
  { modules, base }: IndexContext,
  out: SourceLines,
): void {
  const types = apiTypes(model, NameScope.create(taken));
  const runtimeTypes = ["Model as AnyModel", "ModelDefinition", "ModelOptions", ...types.imports];
  const programs = modules.flatMap((module) => module.programs);
  const { phases = [], generate, initial } = model;
  const ofPhases = phases.flatMap(
    ({ train }) => programs.find(({ graph }) => graph === train) ?? bug("a phase has a program"),
  );
  const declare = (name: string, text: string, about: string): void =>
    out.add(`\n/** ${about} */\nexport type ${name} = ${text};`);

  out.add(importLine(["createModel"], "@dlc/runtime"));
  out.add(importLine(runtimeTypes, "@dlc/runtime", "import type"));
  for (const { file, programs } of modules) {
    const names = programs.map(({ constant }) => constant);
    out.add(importLine(names, `./${file}.js`));
  }
  const present = { generation: generate !== undefined, initialWeights: initial !== undefined };
  const imported = specExports.filter((name) => present[name as keyof typeof present] ?? true);
  out.add(importLine(imported, "./spec.js"));
  for (const label of types.labels) out.add(`\n${label}`);
  if (types.label !== null) declare("Label", types.label, "What the model tells apart.");
  declare("Input", types.input, "The features of one example.");
  declare("Target", types.target, "What training compares with, for one example.");
  declare("Output", types.output, "What the model predicts for one example.");
  declare("Metrics", metricTypes(model), "What an evaluation measures.");
  if (types.generated !== null) {
    declare("Given", types.given, "What a generated example is made for.");
    declare("Generated", types.generated, "What generate() makes.");
  }
  out.add(
    [
      "",
      "export type Types = {",
      "  readonly input: Input;",
      "  readonly target: Target;",
      "  readonly output: Output;",
      "  readonly metrics: Metrics;",
      ...(generate === undefined
        ? []
        : [
            "  readonly given: Given;",
            "  readonly generated: Generated;",
            `  readonly sequence: ${generate.sequence !== undefined};`,
          ]),
      "};",
      "",
      `/** A model in memory: train(), evaluate(), predict(), ${generate ? "generate(), " : ""}save(). */`,
      "export type Model = AnyModel<Types>;",
      "",
      "/** The model as the runtime takes it. */",
      "export const definition: ModelDefinition = {",
      "  name, dlcVersion, specHash, stateHash, data, facts, state, heads,",
      "  train: trainSettings,",
      ...(initial === undefined ? [] : ["  initial: initialWeights,"]),
      ...(generate === undefined ? [] : ["  generate: generation,"]),
      "  programs: {",
      ...programs
        .filter((program) => !ofPhases.includes(program))
        .map(({ id, constant }) => `    ${id}: ${constant},`),
      ...phaseLines(phases, ofPhases),
      "  },",
      "};",
      "",
      "/** Makes the model, with the weights that `options.weights` names. Dispose of it when done. */",
      "export function load(options: ModelOptions = {}): Promise<Model> {",
      "  // Paths in the specification are relative to its folder; bundlers need not look for it.",
      `  const base = new URL(/* @vite-ignore */ ${stringLiteral(base)}, import.meta.url);`,
      "  return createModel<Types>(definition, { base, ...options });",
      "}",
    ].join("\n"),
  );
}
