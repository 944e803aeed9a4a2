/** @file Which programs a package has, what they are called, and which module holds each. */
import type { CompiledModel, CompiledPrograms } from "../compiled-model.js";
import type { Graph } from "../ir/types.js";
import { NameScope } from "./name-scope.js";
import type { EmittedProgram } from "./program-source.js";

export interface ProgramModule {
  readonly file: string;
  readonly about: string;
  readonly programs: readonly EmittedProgram[];
}

export interface ProgramModules {
  readonly modules: readonly ProgramModule[];
  /** Names that the modules import or declare are taken in it. */
  readonly scope: NameScope;
}

type Key = keyof CompiledPrograms;

const summaries: Readonly<Record<Key, string>> = {
  infer: "Predicts: from features to the model's outputs.",
  evaluate: "The loss and the model's outputs, without changing anything.",
  train: "One training step: forward, loss, gradients, new state.",
  apply: "Updates the weights with the gradients that training steps have added up.",
  generate: "Makes new examples from random numbers.",
  encode: "What all steps of a sequence have in common: from what is given.",
  render: "Makes examples of codes.",
};

/** `discriminator-step` → `trainDiscriminatorStep` */
const functionName = (phase: string): string =>
  `train${phase
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("")}`;

/** Those that a model has. The constants of phases are in `phases`' order within module `train`. */
export function programModulesOf(model: CompiledModel): ProgramModules {
  const { programs, phases = [], generate } = model;
  const fixed = Object.keys(summaries).flatMap((key) => [key, `${key}Program`]);
  const scope = NameScope.create(["Ops", "Program", ...fixed]);
  const program = (key: Key): EmittedProgram[] => {
    const graph: Graph | undefined = programs[key];
    if (graph === undefined) return [];
    const ofStep = key === "generate" && generate?.sequence !== undefined;
    const summary = ofStep ? "Log-probabilities of a sequence's next token." : summaries[key];
    return [{ id: key, constant: `${key}Program`, summary, graph }];
  };
  const phased = phases.map(({ name, train }): EmittedProgram => {
    const id = scope.unique(functionName(name));
    const summary =
      "One step of a phase: forward, its losses, gradients of what it updates, new state.";
    return { id, constant: scope.unique(`${id}Program`), summary, graph: train };
  });
  const all: readonly ProgramModule[] = [
    { file: "infer", about: "The prediction, step by step.", programs: program("infer") },
    {
      file: "train",
      about: "The training step and the evaluation, step by step.",
      programs: [...program("train"), ...phased, ...program("apply"), ...program("evaluate")],
    },
    {
      file: "generate",
      about: "The generation, step by step.",
      programs: [...program("encode"), ...program("generate"), ...program("render")],
    },
  ];
  return { modules: all.filter((module) => module.programs.length > 0), scope };
}
