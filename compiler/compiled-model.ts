/** @file What the pipeline produces from a spec and emission writes down. */
import type { FittedFacts, GenerateSpec, HeadSpec, InitialWeights, StateSpec } from "@dlc/runtime";
import type { ResolvedSpec } from "./1-load/resolved-spec.js";
import type { LayerSummary } from "./2-lower/lowered-model.js";
import type { SourceFiles } from "./diagnostics/source-files.js";
import type { Graph } from "./ir/types.js";

/** Programs by their name in `ModelDefinition.programs`; apply only with gradient accumulation. */
export interface CompiledPrograms {
  readonly infer: Graph;
  readonly evaluate?: Graph;
  readonly train?: Graph;
  readonly apply?: Graph;
  /** Only of models that generate. */
  readonly generate?: Graph;
  /** Of sequences: what their steps have in common; what makes examples of codes. */
  readonly encode?: Graph;
  readonly render?: Graph;
}

/** In place of `train`, where the spec has phases: one program each. */
export interface CompiledPhase {
  readonly name: string;
  readonly steps: number;
  /** Null: that of the settings. */
  readonly learningRate: number | null;
  /** First and last epoch in which it runs, from 1; last null: to the end. */
  readonly epochs: readonly [first: number, last: number | null];
  readonly train: Graph;
}

export interface CompiledModel {
  readonly spec: ResolvedSpec;
  /** The texts that spans point into: for source maps. */
  readonly sources: SourceFiles;
  readonly facts: FittedFacts;
  readonly state: Readonly<Record<string, StateSpec>>;
  readonly heads: readonly HeadSpec[];
  readonly programs: CompiledPrograms;
  /** Absent without phases. */
  readonly phases?: readonly CompiledPhase[];
  /** How to read what `programs.generate` gives, and the features that it takes. */
  readonly generate?: GenerateSpec;
  /** What a new run starts from; absent: initial values. */
  readonly initial?: InitialWeights;
  readonly layers: readonly LayerSummary[];
}
