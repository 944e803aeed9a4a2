/** @file The model of a generated package: its options, methods and results. */
import type { LoadedWeights } from "../checkpoint/weights.js";
import type { SplitName } from "../data/dataset.js";
import type { Engine } from "../engine.js";
import type { EngineOptions } from "../engines/select.js";
import type { ModelDefinition, SearchSpec, TrainSpec } from "../spec.js";
import type { HostTensor } from "../tensor.js";
import type { TrainEvent, TrainResult } from "../trainer/events.js";
import type { ExampleData } from "./data.js";

/** Where weights are loaded from: by name, or the bytes of a `.safetensors` file. */
export type WeightsSource = string | Uint8Array | ArrayBuffer | Blob;

export interface ModelOptions extends Omit<EngineOptions, "engine"> {
  /**
   * A run folder, its `best` or `last`, a checkpoint folder or a `.safetensors` file: its path (in a browser the
   * name that it was kept under), or the bytes of the file. Without it the model must be trained before it can
   * predict.
   */
  readonly weights?: WeightsSource | undefined;
  /** An engine's name, or an engine of the caller's, which `dispose` then leaves alone. */
  readonly engine?: string | Engine | undefined;
  /** The folder that the spec's data paths are relative to, which is the spec's own; default: the current one. */
  readonly base?: string | URL | undefined;
}

export interface ModelTrainOptions<Example> {
  /** The run folder; default `runs/<name of the model>` in the current folder. */
  readonly run?: string | undefined;
  /** Delete what the run folder holds and start over; default: continue. */
  readonly fresh?: boolean | undefined;
  /** Settings that replace those of the spec. */
  readonly settings?: Partial<TrainSpec> | undefined;
  /** Examples in memory instead of the spec's source. */
  readonly data?: ExampleData<Example> | undefined;
  /** When aborted, training ends after the current step with a checkpoint. */
  readonly signal?: AbortSignal | undefined;
  /** Seconds after which training pauses with a checkpoint. */
  readonly timeLimit?: number | undefined;
  readonly onEvent?: ((event: TrainEvent) => void) | undefined;
}

export interface ModelEvaluateOptions<Example> {
  /** Default: the test split, or the validation split where there is no test split. */
  readonly split?: SplitName | undefined;
  /** Examples in memory instead of a split of the spec's data. */
  readonly data?: ExampleData<Example> | undefined;
}

export interface EvaluationResult<Metrics = Readonly<Record<string, number>>> {
  readonly split: SplitName;
  readonly examples: number;
  readonly loss: number;
  /** The loss, `loss.<name>` when there are several, and the spec's metrics. */
  readonly metrics: Metrics;
  /** Per head that tells classes apart: counts, a row per true class, a column per predicted one. */
  readonly confusion: Readonly<
    Record<
      string,
      {
        readonly classes: readonly string[];
        readonly counts: readonly (readonly number[])[];
      }
    >
  >;
}

export interface GenerateOptions<Given> {
  /** How many examples; default: as many as `given` lists, else 1. */
  readonly count?: number | undefined;
  /** The same seed makes the same examples; the first k of many are those of k. Default 0. */
  readonly seed?: number | undefined;
  /** What they are made for: one for all, or one for each. Needed where the model has conditions. */
  readonly given?: Given | readonly Given[] | undefined;
}

/** Of models that generate token by token. Without a setting, that of the spec holds. */
export interface SequenceOptions<Given> extends GenerateOptions<Given> {
  /** What the text begins with: one for all, or one for each. It is part of the result. */
  readonly prompt?: string | readonly string[] | undefined;
  /** greedy: the most probable token; sample: by chance; beam: the best of several at a time. */
  readonly method?: SearchSpec["method"] | undefined;
  /** beam: how many beginnings are followed. */
  readonly beams?: number | undefined;
  /** beam: so many of the best results of each example, as `candidates`. At most `beams`. */
  readonly candidates?: number | undefined;
  /** beam: above 0 longer texts are preferred (α of Wu et al. 2016). */
  readonly lengthPenalty?: number | undefined;
  /** sample: below 1 the probable becomes more probable, above 1 less. */
  readonly temperature?: number | undefined;
  /** sample: only the so many most probable tokens. */
  readonly topK?: number | null | undefined;
  /** sample: only the most probable tokens with this probability together. */
  readonly topP?: number | null | undefined;
  /** The most tokens, prompt and end included. */
  readonly maxLength?: number | null | undefined;
}

/** One example's features and targets, a prediction, and the numbers of an evaluation. */
export interface ModelTypes {
  readonly input: object;
  readonly target: object;
  readonly output: unknown;
  readonly metrics: object;
  /** With a generate section: what generate() is given, and what it makes. */
  readonly given?: object;
  readonly generated?: unknown;
  /** true: generate() works token by token. */
  readonly sequence?: boolean;
}

type GivenOf<T> = T extends { readonly given: infer Given } ? Given : Record<string, unknown>;
type GeneratedOf<T> = T extends { readonly generated: infer Generated } ? Generated : unknown;
/** Where it is not known how a model generates, all options may be given. */
type GenerateOptionsOf<T> = T extends { readonly generated: unknown; readonly sequence: false }
  ? GenerateOptions<GivenOf<T>>
  : SequenceOptions<GivenOf<T>>;
/** Conditions must be given where the model has some; records of any names have none that are known. */
type GenerateArguments<T> = string extends keyof GivenOf<T>
  ? [options?: GenerateOptionsOf<T>]
  : [options: GenerateOptionsOf<T> & { readonly given: GivenOf<T> | readonly GivenOf<T>[] }];

interface Generating<T> {
  /**
   * Makes new examples, from random numbers or token by token, as the spec's generate section says.
   * @throws DlcError `cannot-generate`, `untrained`, `unknown-option`, `invalid-setting`, `empty-prompt`,
   * `prompt-too-long`, `unknown-in-prompt`, and those of `predict` for what is given.
   */
  generate(...options: GenerateArguments<T>): Promise<GeneratedOf<T>[]>;
}

/** A model of a package; generate() is there where the package may generate something. */
export type Model<T extends ModelTypes = ModelTypes> = ModelMethods<T> &
  ("generated" extends keyof T ? Generating<T> : unknown);

interface ModelMethods<T extends ModelTypes> {
  readonly definition: ModelDefinition;
  readonly engine: Engine;
  /** Why this engine was chosen. */
  readonly why: string;
  /** Where the weights came from; null before they are loaded or trained. */
  readonly weights: Pick<LoadedWeights, "path" | "step" | "sameSpec"> | null;
  /** @throws DlcError `input-missing`, `unknown-input`, `data-shape-mismatch`, … naming the example and the feature; `untrained`. */
  predict(inputs: readonly T["input"][]): Promise<T["output"][]>;
  // Last, as TypeScript explains the last overload where none fits: an example is the usual input.
  predict(input: T["input"]): Promise<T["output"]>;
  evaluate(
    options?: ModelEvaluateOptions<T["input"] & T["target"]>,
  ): Promise<EvaluationResult<T["metrics"]>>;
  /**
   * Trains, or continues an interrupted run, or returns the result of a finished one; afterwards the
   * model has the trained weights. A new run starts from the loaded weights if there are any.
   */
  train(options?: ModelTrainOptions<T["input"] & T["target"]>): Promise<TrainResult>;
  /** Copies of the weights, buffers and averages by name. */
  read(): Promise<Readonly<Record<string, HostTensor>>>;
  /** The bytes of one `.safetensors` file with them. */
  save(): Promise<Uint8Array<ArrayBuffer>>;
  /** Writes that file; in a browser keeps it under this name in IndexedDB. */
  save(path: string): Promise<void>;
  dispose(): Promise<void>;
}
