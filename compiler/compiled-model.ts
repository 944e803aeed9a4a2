/** @file What the pipeline produces from a spec and emission writes down. */
import type { FittedFacts, HeadSpec, StateSpec } from "@dlc/runtime";
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
}

export interface CompiledModel {
  readonly spec: ResolvedSpec;
  /** The texts that spans point into: for source maps. */
  readonly sources: SourceFiles;
  readonly facts: FittedFacts;
  readonly state: Readonly<Record<string, StateSpec>>;
  readonly heads: readonly HeadSpec[];
  readonly programs: CompiledPrograms;
  readonly layers: readonly LayerSummary[];
}
