/** @file What a model needs of its surroundings: Node and pages each have one (create-model.ts, ../browser/). */
import type { StartingPoint } from "../checkpoint/foreign/initial.js";
import type { LoadedWeights, WeightsOwner } from "../checkpoint/weights.js";
import type { DataAccess } from "../data/access.js";
import type { Engine } from "../engine.js";
import type { EngineOptions } from "../engines/select.js";
import type { StateSpec } from "../program.js";
import type { InitialWeights } from "../spec.js";
import type { TrainingHost } from "../trainer/run-store.js";

export interface Platform {
  /** Starts the engine that is asked for, else the best there is. */
  createEngine(options: EngineOptions): Promise<{ engine: Engine; why: string }>;
  /** The folder that paths of a spec are relative to, from the option `base`; undefined: not given. */
  baseOf(base: string | URL | undefined): string;
  readonly data: DataAccess;
  /**
   * Weights by what the caller names.
   * @throws DlcError `weights-not-found`, `damaged-weights`, `foreign-checkpoint`.
   */
  loadWeights(from: string, model: WeightsOwner): Promise<LoadedWeights>;
  /** Keeps the bytes of a `.safetensors` file under the name that the caller gives. */
  saveBytes(to: string, bytes: Uint8Array): Promise<void>;
  /** Where runs are kept, and what training must leave to others. */
  readonly training: TrainingHost;
  /** What the store of runs calls the run that the caller names. */
  runOf(run: string): string;
  /** What a package's plan starts from (`init` of the spec): see foreign/initial.ts. */
  startingPoint(
    plan: {
      readonly state: Readonly<Record<string, StateSpec>>;
      readonly initial: InitialWeights;
    },
    base: string,
    run: string,
  ): Promise<StartingPoint>;
}
