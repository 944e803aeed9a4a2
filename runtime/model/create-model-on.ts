/** @file The model that a generated package gives its user: train, evaluate, predict, save; wherever it runs. */
import { selectState } from "../checkpoint/checkpoint.js";
import { foreign } from "../checkpoint/store.js";
import { encodeWeights, type LoadedWeights, weightsOfFile } from "../checkpoint/weights.js";
import { batchSource } from "../data/batches.js";
import { splitProblems } from "../data/class-rows.js";
import type { Dataset, SplitName } from "../data/dataset.js";
import { encodeInputsBy } from "../data/encode-inputs.js";
import { fingerprint } from "../data/fingerprint.js";
import type { DeviceState } from "../engine.js";
import { DlcError } from "../errors.js";
import type { StateSpec } from "../program.js";
import type { HeadSpec, ModelDefinition } from "../spec.js";
import type { HostTensor } from "../tensor.js";
import { evaluate, evaluationBatch } from "../trainer/evaluate.js";
import type { TrainEvent, TrainResult } from "../trainer/events.js";
import { stillScalars } from "../trainer/scalars.js";
import type { BatchSource } from "../trainer/source.js";
import { type TrainOptions, trainIn } from "../trainer/train.js";
import { type ExampleData, openModelData } from "./data.js";
import { decodeOutputs } from "./decode.js";
import { summarize, withConfusion } from "./evaluation.js";
import { generateExamples, predictSequences } from "./generate/index.js";
import { requireKnown } from "./options.js";
import type { Platform } from "./platform.js";
import type {
  EvaluationResult,
  Model,
  ModelEvaluateOptions,
  ModelOptions,
  ModelTrainOptions,
  ModelTypes,
  SequenceOptions,
  WeightsSource,
} from "./types.js";

const otherFactsHelp =
  "Use the weights with the package of their own run (dlc eval or predict <run folder>), or train again with these data.";

/** What messages call weights that were passed as bytes. */
const givenWeights = "the bytes passed as weights";

/** Examples per call of the infer program. */
const largestChunk = 256;

/** Makes a model on a platform: creates the engine and, if asked, loads weights. */
export async function createModelOn<T extends ModelTypes = ModelTypes>(
  platform: Platform,
  definition: ModelDefinition,
  options: ModelOptions = {},
): Promise<Model<T>> {
  requireKnown("load", options);
  type Input = T["input"];
  type Output = T["output"];
  type Example = T["input"] & T["target"];
  const { engine: wanted, device, threads } = options;
  const own = typeof wanted !== "object";
  const { engine, why } = own
    ? await platform.createEngine({ engine: wanted, device, threads })
    : { engine: wanted, why: "passed by the caller" };
  const base = platform.baseOf(options.base);
  const { pictures } = platform.data;
  let state: DeviceState | null = null;
  let origin: Model["weights"] = null;
  /** Why the weights would predict something else here; training may start from them all the same. */
  let otherFacts: string | null = null;
  let disposed = false;

  function replaceState(next: DeviceState): void {
    state?.dispose();
    state = next;
  }

  async function load(from: WeightsSource): Promise<void> {
    const loaded = await weightsFrom(platform, from, definition);
    begun.clear();
    replaceState(engine.createState(specsOf(definition, loaded.values), loaded.values));
    origin = { path: loaded.path, step: loaded.step, sameSpec: loaded.sameSpec };
    otherFacts = loaded.otherFacts;
  }

  /** @throws DlcError `untrained`, `foreign-checkpoint`. */
  function trainedState(): DeviceState {
    if (disposed) throw gone(definition);
    if (state !== null && otherFacts !== null)
      throw foreign(origin?.path ?? "", otherFacts, otherFactsHelp);
    if (state !== null) return state;
    throw new DlcError("untrained", `${definition.name} has no weights yet`, {
      help: 'Call load({ weights: "runs/<name>" }) with a trained run, or train() first.',
    });
  }

  /** Heads that the infer program computes, and those that are generated token by token. */
  async function predictAll(inputs: readonly Input[]): Promise<Output[]> {
    const { heads, generate: made } = definition;
    const generated = made?.sequence?.predicts ?? null;
    if (!made?.sequence || generated === null) return inferAll(inputs, heads);
    const rows = inputs as readonly Readonly<Record<string, unknown>>[];
    const generator = { definition, engine, state: trainedState(), pictures };
    const texts = await predictSequences(generator, made, made.sequence, rows);
    if (heads.length === 1) return texts as readonly unknown[] as Output[];
    const others = heads.filter(({ name }) => name in definition.programs.infer.outputs);
    const rest = isGiven(definition) ? await inferAll(inputs, others, true) : [];
    return texts.map((text, i) => ({ ...(rest[i] as object), [generated]: text }) as Output);
  }

  async function inferAll(
    inputs: readonly Input[],
    heads: readonly HeadSpec[],
    byName = false,
  ): Promise<Output[]> {
    const { infer } = definition.programs;
    const current = trainedState();
    const outputs: Output[] = [];
    for (let start = 0; start < inputs.length; ) {
      // Powers of two: any number of examples is computed exactly by few recorded programs.
      const rest = Math.min(inputs.length - start, largestChunk);
      const size = 2 ** Math.floor(Math.log2(rest));
      const chunk = inputs.slice(start, start + size) as readonly Record<string, unknown>[];
      await platform.training.breathe?.();
      const executable = await engine.prepare(infer, size);
      const encoded = await encodeInputsBy(pictures, definition, chunk);
      const results = await executable.run({
        inputs: encoded,
        scalars: stillScalars(infer, "predict", definition.train?.seed ?? 0, start),
        state: current,
      });
      const decoded = decodeOutputs(heads, results, size, definition, encoded);
      const [only] = heads;
      const named = byName && heads.length === 1 && only !== undefined;
      const examples = named ? decoded.map((fields) => ({ [only.name]: fields })) : decoded;
      outputs.push(...(examples as Output[]));
      start += size;
    }
    return outputs;
  }

  async function evaluateModel(
    options: ModelEvaluateOptions<Example> = {},
  ): Promise<EvaluationResult<T["metrics"]>> {
    requireKnown("evaluate", options);
    const { split, data } = options;
    if (disposed) throw gone(definition);
    const program = definition.programs.evaluate;
    if (program === undefined) {
      throw new DlcError("not-trainable", `${definition.name} has no loss to evaluate`, {
        place: "train",
        help: "Add a train section to its spec and build it again.",
      });
    }
    const current = trainedState();
    const wantedSplits: SplitName[] = split === undefined ? ["test", "validation"] : [split];
    const dataset = await openModelData(platform.data, definition, {
      base,
      splits: wantedSplits,
      single: wantedSplits[0] as SplitName,
      examples: data as ExampleData<Record<string, unknown>> | undefined,
    });
    try {
      const name = wantedSplits.find((candidate) => sourceOf(dataset, candidate) !== null);
      const source = name === undefined ? null : sourceOf(dataset, name);
      if (name === undefined || source === null) throw noSplit(definition, wantedSplits);
      const metrics = withConfusion(definition.train?.metrics ?? []);
      const evaluation = await evaluate({
        engine,
        program,
        state: current,
        source,
        batch: evaluationBatch(definition.train?.batch ?? largestChunk),
        heads: definition.heads,
        metrics,
        seed: definition.train?.seed ?? 0,
        breathe: platform.training.breathe,
      });
      if (evaluation === null) throw new Error("the evaluation was abandoned");
      const summary = summarize(definition, name, evaluation);
      return { ...summary, metrics: summary.metrics as T["metrics"] };
    } finally {
      await dataset.close();
    }
  }

  /** By run folder, what it started from: calling train() again continues it with these same weights. */
  const begun = new Map<string, Pick<TrainOptions, "initial" | "startFrom">>();

  /** What a new run starts from: loaded weights, else what the spec's `init` names. */
  async function startOf(run: string): Promise<Pick<TrainOptions, "initial" | "startFrom">> {
    if (state !== null) return { initial: await readWeights(state) };
    const { state: specs, initial = null } = definition;
    if (initial === null) return {};
    return { startFrom: await platform.startingPoint({ state: specs, initial }, base, run) };
  }

  async function trainModel(options: ModelTrainOptions<Example> = {}): Promise<TrainResult> {
    requireKnown("train", options, definition.train);
    const {
      data,
      run = defaultRun(definition),
      settings,
      fresh,
      signal,
      timeLimit,
      onEvent,
    } = options;
    if (disposed) throw gone(definition);
    const path = platform.runOf(run);
    const start = (fresh ? undefined : begun.get(path)) ?? (await startOf(path));
    const dataset = await openModelData(platform.data, definition, {
      base,
      splits: ["train", "validation"],
      single: "train",
      examples: data as ExampleData<Record<string, unknown>> | undefined,
    });
    try {
      const source = sourceOf(dataset, "train");
      if (source === null) throw noSplit(definition, ["train"]);
      if (data === undefined) checkClassRows(definition, dataset, onEvent);
      const { result, state: trained } = await trainIn(platform.training, definition, {
        engine,
        why,
        data: { train: source, validation: sourceOf(dataset, "validation") },
        dataHash: fingerprint(dataset),
        run: path,
        ...defined({ fresh, settings, ...start, signal, timeLimit, onEvent }),
      });
      begun.set(path, start);
      replaceState(trained);
      origin = { path: result.weights, step: result.step, sameSpec: true };
      otherFacts = null;
      return result;
    } finally {
      await dataset.close();
    }
  }

  async function readWeights(from: DeviceState): Promise<Record<string, HostTensor>> {
    return selectState(await from.read(), definition.state, "weights");
  }

  async function generate(options: SequenceOptions<Readonly<Record<string, unknown>>> = {}) {
    requireKnown("generate", options);
    return generateExamples({ definition, engine, state: trainedState(), pictures }, options);
  }

  function predict(inputs: readonly Input[]): Promise<Output[]>;
  function predict(input: Input): Promise<Output>;
  async function predict(input: Input | readonly Input[]): Promise<Output | Output[]> {
    if (Array.isArray(input)) return predictAll(input as readonly Input[]);
    const [output] = await predictAll([input as Input]);
    return output as Output;
  }

  const save = (async (path?: string) => {
    const bytes = encodeWeights(await readWeights(trainedState()), definition);
    return path === undefined ? bytes : platform.saveBytes(path, bytes);
  }) as Model["save"];

  if (options.weights !== undefined) {
    try {
      await load(options.weights);
    } catch (error) {
      if (own) await engine.dispose();
      throw error;
    }
  }
  return {
    definition,
    engine,
    why,
    get weights() {
      return origin;
    },
    predict,
    evaluate: evaluateModel,
    train: trainModel,
    generate,
    read: async () => readWeights(trainedState()),
    save,
    async dispose() {
      disposed = true;
      state?.dispose();
      state = null;
      if (own) await engine.dispose();
    },
    // Always there at run time: it explains itself to callers without types.
  } as Model<T> & { generate: typeof generate };
}

/** Weights by name, or in bytes that the caller has. */
async function weightsFrom(
  platform: Platform,
  from: WeightsSource,
  definition: ModelDefinition,
): Promise<LoadedWeights> {
  if (typeof from === "string") return platform.loadWeights(from, definition);
  const content = from instanceof Blob ? await from.arrayBuffer() : from;
  if (!(content instanceof Uint8Array) && !(content instanceof ArrayBuffer)) {
    throw new DlcError("bad-input", `weights are ${String(content)}, neither a name nor bytes`, {
      place: "weights",
      help: "Pass the name of a run or file, or its bytes: a Uint8Array, ArrayBuffer or Blob.",
    });
  }
  return weightsOfFile(givenWeights, new Uint8Array(content), definition);
}

/** Does the infer program do without targets? */
const isGiven = ({ data, programs }: ModelDefinition): boolean =>
  Object.keys(programs.infer.inputs).every((name) => data?.targets[name] === undefined);

function gone({ name }: ModelDefinition): DlcError {
  return new DlcError("untrained", `${name} was disposed of: it has no weights any more`, {
    help: "Call dispose() when the model is no longer needed, or load it again.",
  });
}

/** Specs of the tensors that were loaded: prediction needs no optimiser slots. */
function specsOf(
  definition: ModelDefinition,
  values: Readonly<Record<string, HostTensor>>,
): Record<string, StateSpec> {
  return Object.fromEntries(
    Object.entries(definition.state).filter(([name]) => values[name] !== undefined),
  );
}

/** Without the entries that were not given. */
const defined = <T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

/** A split that has examples. */
function sourceOf(dataset: Dataset, name: SplitName): BatchSource | null {
  const source = batchSource(dataset, name);
  return source === null || source.size === 0 ? null : source;
}

/** `runs/<name>`; the name comes from the spec and must not lead anywhere else. */
function defaultRun({ name }: ModelDefinition): string {
  if (!/^[\w-][\w.-]*$/.test(name)) throw new Error(`the model's name ${name} is no file name`);
  return `runs/${name}`;
}

/**
 * What checking large files leaves to those who read them; a warning becomes an event.
 * @throws DlcError `single-class`.
 */
function checkClassRows(
  { data, facts }: ModelDefinition,
  dataset: Dataset,
  onEvent: (event: TrainEvent) => void = () => {},
): void {
  const split = dataset.splits.train;
  if (data === null || split === null) return;
  for (const problem of splitProblems(data, facts, split)) {
    const { code, message } = problem;
    if (code !== "class-without-rows") throw problem;
    onEvent({ kind: "warning", code, message });
  }
}

function noSplit(definition: ModelDefinition, names: readonly SplitName[]): DlcError {
  return new DlcError("no-examples", `${definition.name} has no ${names.join(" or ")} examples`, {
    place: "data",
    help: "Name a source for them in the data section, hold some back with data.split, or pass data in memory.",
  });
}
