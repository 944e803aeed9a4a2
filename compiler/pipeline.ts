/**
 * @file From a spec file to a compiled model: the only file that knows the order of the stages.
 * Every stage reports all the mistakes it finds; the next one runs only if there were none.
 */
import { dirname } from "node:path";
import {
  checkData,
  engineLacks,
  type FittedFacts,
  factProblems,
  fitFacts,
  type GenerateSpec,
  type Layout,
  needsFacts,
  type OpKind,
  problemOf,
} from "@dlc/runtime";
import { loadSpec } from "./1-load/load-spec.js";
import { ownerOf, type ResolvedSpec } from "./1-load/resolved-spec.js";
import { placeOf } from "./2-lower/blame.js";
import type { Generation } from "./2-lower/generation.js";
import { planInitial } from "./2-lower/initial/plan.js";
import { lowerModel } from "./2-lower/lower-model.js";
import type { LoweredModel } from "./2-lower/lowered-model.js";
import { type PhasePrograms, phasePrograms } from "./3-differentiate/phase-programs.js";
import { type TrainingPrograms, trainingPrograms } from "./3-differentiate/training-step.js";
import { useAverages } from "./3-differentiate/use-averages.js";
import { type OnPass, optimize, optimizeForward } from "./4-optimize/index.js";
import { hasHeavyOps } from "./4-optimize/mixed-precision.js";
import type { CompiledModel, CompiledPhase, CompiledPrograms } from "./compiled-model.js";
import { reportData } from "./data-problems.js";
import type { Diagnostics } from "./diagnostics/report.js";
import type { SourceFiles } from "./diagnostics/source-files.js";
import { type OpenedInitial, openInitial } from "./initial-weights.js";
import type { Graph } from "./ir/types.js";
import { checkMemory, type Memory, machineMemory } from "./memory.js";
import { settleLengths } from "./settle-lengths.js";

export const stageNames = ["load", "data", "lower", "differentiate", "optimize"] as const;
export type Stage = (typeof stageNames)[number];
/** A phase's program is called by the phase: `train_discriminator`. */
export type ProgramName = keyof CompiledPrograms | `train_${string}`;

export interface CompileOptions {
  /** Values for the spec's parameters, by name. */
  readonly set?: Readonly<Record<string, string>>;
  /** How the target lays out images. Default: channels first, what onnxruntime computes fastest. */
  readonly layout?: Layout;
  /** Ops that the target leaves to their expansions. Default: those of the onnx engine. */
  readonly lacking?: readonly OpKind[];
  /**
   * Look at the data files (names, headers, columns, classes) before compiling. Default: true.
   * Data is read in any case where the spec asks for something that only the data can tell.
   */
  readonly checkData?: boolean;
  /** The file that `init` names. `compile` opens it; without it there is no plan of initial weights. */
  readonly initial?: OpenedInitial;
  /** The last stage to run; there is no model without the last of all. Default: all. */
  readonly until?: Stage;
  /** What the model may take. Default: what this machine has, and more is only a warning. */
  readonly memory?: Memory;
  /** Told about every optimiser pass: the program it ran on (`forward`: before differentiation). */
  readonly onPass?: (program: ProgramName | "forward", ...pass: Parameters<OnPass>) => void;
  /** Told when a stage has ended, and how long it took, in ms. */
  readonly onStage?: (stage: Stage, ms: number) => void;
}

export interface CompileResult {
  /** Null if there were errors, or if `until` ended the work early. */
  readonly model: CompiledModel | null;
  /** The resolved spec, if loading succeeded. */
  readonly spec: ResolvedSpec | null;
  readonly diagnostics: Diagnostics;
  /** The texts that the diagnostics point into. */
  readonly sources: SourceFiles;
  /** What the user may want to know of how the data were checked. */
  readonly notes: readonly string[];
  /** Milliseconds of each stage that ran. */
  readonly times: Readonly<Partial<Record<Stage, number>>>;
}

/** Compiles a spec file. Never throws for mistakes in the spec or the data: those are diagnostics. */
export async function compile(file: string, options: CompileOptions = {}): Promise<CompileResult> {
  const times: Partial<Record<Stage, number>> = {};
  const onStage = (stage: Stage, ms: number): void => {
    times[stage] = ms;
    options.onStage?.(stage, ms);
  };
  const { set } = options;
  const start = performance.now();
  const loaded = loadSpec(file, set === undefined ? {} : { set });
  onStage("load", performance.now() - start);
  const { diagnostics, sources } = loaded;
  let { spec } = loaded;
  const notes: string[] = [];
  const early = { model: null, spec, diagnostics, sources, notes, times };
  if (spec === null || diagnostics.hasErrors || options.until === "load") return early;

  const beforeData = performance.now();
  const facts = await factsOf(spec, options.checkData ?? true, sources, diagnostics, notes);
  const initial = facts && spec.init ? await openInitial(spec, spec.init, diagnostics) : undefined;
  onStage("data", performance.now() - beforeData);
  if (facts === null || initial === null) return early;
  spec = settleLengths(spec, facts);
  if (options.until === "data") return { ...early, spec };
  const known = initial === undefined ? {} : { initial };
  const model = compileSpec(spec, facts, sources, diagnostics, { ...options, ...known, onStage });
  return { model, spec, diagnostics, sources, notes, times };
}

/** The stages after loading and data. Null if there were errors, or if `until` says so. */
export function compileSpec(
  spec: ResolvedSpec,
  facts: FittedFacts,
  sources: SourceFiles,
  diagnostics: Diagnostics,
  options: CompileOptions = {},
): CompiledModel | null {
  const timed = <T>(stage: Stage, work: () => T): T => {
    const start = performance.now();
    const result = work();
    options.onStage?.(stage, performance.now() - start);
    return result;
  };
  const lowered = timed("lower", () => lowerModel(spec, facts, diagnostics));
  if (lowered === null || diagnostics.hasErrors) return null;
  const { init } = spec;
  const { initial: opened } = options;
  const initial =
    init && opened
      ? planInitial(
          spec,
          init,
          lowered,
          { header: opened.header, facts: { here: facts, there: opened.facts } },
          diagnostics,
        )
      : undefined;
  if (diagnostics.hasErrors || options.until === "lower") return null;

  const onPass =
    (program: ProgramName | "forward"): OnPass =>
    (...pass) =>
      options.onPass?.(program, ...pass);
  const { train } = spec;
  // Where differentiation is the last stage, only its mistakes are of interest.
  const prepare = (model: LoweredModel): LoweredModel =>
    options.until === "differentiate" ? model : optimizeForward(model, onPass("forward"));
  const training =
    train === null
      ? null
      : timed("differentiate", () =>
          lowered.phases === undefined
            ? trainingPrograms(prepare(lowered), train, diagnostics)
            : phasePrograms(lowered, train, prepare, diagnostics),
        );
  if (diagnostics.hasErrors) return null;

  reportIdlePrecision(spec, stepsOf(training) ?? [], diagnostics);
  const state = training?.state ?? lowered.state;
  const sizeUp = (graphs: readonly Graph[], exact: boolean): void => {
    const spans = new Map(spec.layers.map((layer) => [ownerOf(layer), placeOf(layer, null)]));
    const batch = train?.settings.batch ?? 1;
    const last = exact || options.until === "differentiate";
    const memory = options.memory ?? { bytes: machineMemory(), enforced: false };
    checkMemory({ state, graphs, batch, exact, last, spans }, memory, diagnostics);
  };
  sizeUp(stepsOf(training) ?? [lowered.infer], false);
  if (diagnostics.hasErrors || options.until === "differentiate") return null;

  const optimized = (name: ProgramName, mode: "training" | "inference", graph: Graph): Graph =>
    optimize(graph, {
      mode,
      layout: options.layout ?? "NCHW",
      lacking: options.lacking ?? engineLacks.onnx ?? [],
      ...(mode === "training" && train?.precision && { half: train.precision.half }),
      onPass: onPass(name),
    });
  const { heads, layers, generate } = lowered;
  const programsOf = (): CompiledPrograms => {
    const inference = (name: "generate" | "encode" | "render", graph: Graph | undefined) =>
      graph && { [name]: optimized(name, "inference", useAverages(graph, state)) };
    const generated = {
      ...inference("generate", generate?.graph),
      ...inference("encode", generate?.encode),
      ...inference("render", generate?.render),
    };
    if (training === null) {
      return { infer: optimized("infer", "inference", lowered.infer), ...generated };
    }
    return {
      infer: optimized("infer", "inference", training.infer),
      evaluate: optimized("evaluate", "inference", training.evaluate),
      ...("train" in training && { train: optimized("train", "training", training.train) }),
      ...("apply" in training &&
        training.apply && { apply: optimized("apply", "training", training.apply) }),
      ...generated,
    };
  };
  const phasesOf = (): CompiledPhase[] =>
    training !== null && "phases" in training
      ? training.phases.map(({ use, train: step }): CompiledPhase => {
          const { name, steps, learningRate, epochs } = use;
          const optimal = optimized(`train_${name}`, "training", step);
          return { name, steps, learningRate, epochs, train: optimal };
        })
      : [];
  const [programs, phases] = timed("optimize", () => [programsOf(), phasesOf()] as const);
  const steps = phases.length > 0 ? phases.map((phase) => phase.train) : [programs.train];
  sizeUp(
    steps.map((step) => step ?? programs.infer),
    true,
  );
  if (diagnostics.hasErrors) return null;
  return {
    ...{ spec, sources, facts, state, heads, programs, layers },
    ...(initial ? { initial } : {}),
    ...(phases.length === 0 ? {} : { phases }),
    ...(generate && { generate: generateSpecOf(generate) }),
  };
}

const generateSpecOf = ({ head, given, sequence }: Generation): GenerateSpec => ({
  ...{ head, given },
  ...(sequence && { sequence }),
});
/** The graphs of a training step; null without training. */
function stepsOf(training: TrainingPrograms | PhasePrograms | null): readonly Graph[] | null {
  if (training === null) return null;
  return "phases" in training ? training.phases.map(({ train }) => train) : [training.train];
}

/** Mixed precision of a model without anything to compute in halves. */
function reportIdlePrecision(
  { train }: ResolvedSpec,
  steps: readonly Graph[],
  diagnostics: Diagnostics,
): void {
  const { precision } = train?.settings ?? {};
  if (!train?.precision || precision === undefined || steps.some(hasHeavyOps)) return;
  diagnostics.report("precision-without-effect", train.precision.span, { precision });
}

/** What only the data can tell, where the spec asks for it; null if the data has mistakes. */
async function factsOf(
  spec: ResolvedSpec,
  check: boolean,
  sources: SourceFiles,
  diagnostics: Diagnostics,
  notes: string[],
): Promise<FittedFacts | null> {
  const { data } = spec;
  if (data === null) return {};
  const options = { base: dirname(spec.file) };
  const onNote = (message: string): void => void notes.push(message);
  const counts =
    spec.train?.losses.some(({ classWeights }) => classWeights === "balanced") ?? false;
  const needed = needsFacts(data, { counts });
  const problems = check || needed ? await checkData(data, { ...options, onNote }) : [];
  for (const problem of problems) reportData(spec, problem, sources, diagnostics);
  if (diagnostics.hasErrors) return null;
  if (!needed) return {};
  try {
    const warn = (warning: unknown): void =>
      reportData(spec, problemOf(warning, "source", data), sources, diagnostics);
    const facts = await fitFacts(data, { ...options, warn });
    for (const error of factProblems(data, facts)) {
      reportData(spec, problemOf(error, "source", data), sources, diagnostics);
    }
    return diagnostics.hasErrors ? null : facts;
  } catch (error) {
    reportData(spec, problemOf(error, "source", data), sources, diagnostics);
    return null;
  }
}
