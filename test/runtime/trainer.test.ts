/** @file The training loop: it learns, sees every example, and ends for the reasons it should. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import {
  type DlcError,
  type Engine,
  type HostTensor,
  type ModelDefinition,
  random,
  type StateSpec,
  type TrainEvent,
} from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import { tensorTitle } from "../../runtime/trainer/non-finite.js";
import { tinyModel, tinyPoints, tinySource } from "../support/tiny-model.mjs";
import {
  data,
  engine,
  fingerprint,
  pointed,
  runFolders,
  trainBatches,
  trainTiny,
} from "../support/tiny-runs.js";

const newRun = runFolders();
const failure = (promise: Promise<unknown>): Promise<DlcError> =>
  promise.then(
    () => {
      throw new Error("it succeeded");
    },
    (error: unknown) => error as DlcError,
  );
const eventsOf = <K extends TrainEvent["kind"]>(events: readonly TrainEvent[], kind: K) =>
  events.filter((event): event is Extract<TrainEvent, { kind: K }> => event.kind === kind);

describe("training", () => {
  it("lowers the loss and reaches a good accuracy on data it did not see", async () => {
    const { result } = await trainTiny(tinyModel({ settings: { epochs: 12 } }), newRun());
    expect(result).toMatchObject({ status: "finished", epochs: 12, step: 48 });
    const [first, last] = [result.history[0], result.history.at(-1)];
    expect(last?.train.loss).toBeLessThan(0.7 * Number(first?.train.loss));
    expect(last?.validation?.accuracy).toBeGreaterThan(0.85);
  });

  it("gives the same weights for the same seed and others for another", async () => {
    const once = await trainTiny(tinyModel(), newRun());
    const again = await trainTiny(tinyModel(), newRun());
    const other = await trainTiny(tinyModel({ settings: { seed: 2 } }), newRun());
    expect(fingerprint(again.state)).toBe(fingerprint(once.state));
    expect(fingerprint(other.state)).not.toBe(fingerprint(once.state));
  });

  it("sees every example once per epoch, the last smaller batch included", async () => {
    const seen: number[][] = [];
    const counting = {
      ...data.train,
      async *batches(options: Parameters<typeof data.train.batches>[0]) {
        for await (const batch of data.train.batches(options)) {
          seen[options.epoch] = [...(seen[options.epoch] ?? []), ...Array.from(batch.rows)];
          yield batch;
        }
      },
    };
    const { events } = await trainTiny(tinyModel(), newRun(), {
      data: { ...data, train: counting },
    });
    const all = Array.from({ length: 52 }, (_, i) => i);
    for (const rows of seen) expect([...rows].sort((a, b) => a - b)).toEqual(all);
    expect(seen[0]).not.toEqual(seen[1]);
    expect(eventsOf(events, "step")).toHaveLength(4 * 4);
  });

  it("averages the epoch's loss over examples, not over batches", async () => {
    const { events } = await trainTiny(tinyModel({ settings: { epochs: 1 } }), newRun());
    const losses = eventsOf(events, "step").map(({ loss }) => loss);
    const sizes = [16, 16, 16, 4];
    const mean = losses.reduce((sum, loss, i) => sum + loss * Number(sizes[i]), 0) / 52;
    const [epoch] = eventsOf(events, "epoch");
    expect(epoch?.record.train.loss).toBeCloseTo(mean, 12);
  });

  it("carries gathered gradients over the end of an epoch and applies the rest at the end", async () => {
    const definition = tinyModel({ accumulate: 3 });
    const { result, events, state } = await trainTiny(definition, newRun());
    // 16 batches make 5 updates of 3 and one of the single batch that is left.
    expect(result.step).toBe(6);
    expect(eventsOf(events, "step").map(({ step }) => step)).toEqual([
      0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 6,
    ]);
    const sums = Object.entries(state).filter(([name]) => name.endsWith(":gradient"));
    for (const [, sum] of sums) expect(sum.data.every((value) => value === 0)).toBe(true);
  });

  /** The scalars of every call of one program. */
  async function scalarsOf(program: string, definition: ModelDefinition): Promise<unknown[]> {
    const calls: unknown[] = [];
    const spy: Engine = {
      ...engine,
      prepare: async (...of) => {
        const executable = await engine.prepare(...of);
        return {
          ...executable,
          run: (call) => {
            if (of[0].name === program) calls.push(call.scalars);
            return executable.run(call);
          },
        };
      },
    };
    await trainTiny(definition, newRun(), { engine: spy });
    return calls;
  }

  it("gives the first step of a run the rate and key of step 1", async () => {
    const settings = { warmupSteps: 4, epochs: 1, learningRate: 0.2 };
    expect(await scalarsOf("train", tinyModel({ settings }))).toEqual(
      [1, 2, 3, 4].map((step) => ({
        learning_rate: 0.2 * (step / 4),
        random_key: random.derive(1, step),
      })),
    );
  });

  it("draws new random numbers for every batch, also within a step", async () => {
    const definition = tinyModel({ accumulate: 3, settings: { epochs: 2, warmupSteps: 4 } });
    expect(await scalarsOf("train", definition)).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8].map((batch) => ({ random_key: random.derive(1, batch) })),
    );
    expect(await scalarsOf("apply", definition)).toEqual(
      [1, 2, 3].map((step) => ({ learning_rate: 0.1 * (step / 4) })),
    );
  });

  it("uses training metrics where there is no validation data", async () => {
    const { result } = await trainTiny(tinyModel(), newRun(), {
      data: { train: data.train, validation: null },
    });
    expect(result.history[0]?.validation).toBeNull();
    const losses = result.history.map(({ train }) => Number(train.loss));
    expect(result.best?.value).toBe(Math.min(...losses));
  });

  it("reports its engine, its extent and where a resumed run goes on", async () => {
    const run = newRun();
    const first = await trainBatches(tinyModel(), run, 6);
    const second = await trainTiny(tinyModel(), run);
    expect(eventsOf(first.events, "started")[0]).toMatchObject({
      engine: "eager",
      parameters: 2 * 8 + 8 + 8 * 3 + 3,
      examples: { train: 52, validation: 20 },
      batchesPerEpoch: 4,
      resumedFrom: null,
    });
    expect(eventsOf(second.events, "started")[0]?.resumedFrom).toMatchObject({ epoch: 2, step: 5 });
  });
});

describe("the end of a run", () => {
  it("does nothing more when a finished run is started again", async () => {
    const run = newRun();
    const first = await trainTiny(tinyModel(), run);
    const again = await trainTiny(tinyModel(), run);
    expect(again.result).toEqual({ ...first.result, alreadyFinished: true });
    expect(eventsOf(again.events, "step")).toEqual([]);
    expect(fingerprint(again.state)).toBe(fingerprint(first.state));
  });

  it("continues a finished run when more epochs are asked for", async () => {
    const run = newRun();
    await trainTiny(tinyModel(), run, { settings: { epochs: 2 } });
    const longer = await trainTiny(tinyModel(), run);
    const straight = await trainTiny(tinyModel(), newRun());
    expect(fingerprint(longer.state)).toBe(fingerprint(straight.state));
    expect(longer.result.history).toEqual(straight.result.history);
  });

  it("stops early and puts the best weights back", async () => {
    const run = newRun();
    // The loss falls, so a run that wants it high has its best epoch at the start.
    const settings = {
      epochs: 20,
      monitor: { metric: "loss", mode: "max" as const },
      earlyStopping: { patience: 3, minDelta: 0, restoreBest: true },
    };
    const { result, state } = await trainTiny(tinyModel({ settings }), run);
    const best = result.best?.epoch ?? 0;
    expect(result).toMatchObject({ status: "early-stopping", epochs: best + 3 });
    expect(result.weights).toBe(pointed(run, "best"));
    const atBest = await trainTiny(tinyModel(), newRun(), { settings: { epochs: best } });
    for (const name of ["hidden.kernel", "out.bias", "hidden.mean"]) {
      expect(state[name]).toEqual(atBest.state[name]);
    }
    const again = await trainTiny(tinyModel({ settings }), run);
    expect(again.result).toEqual({ ...result, alreadyFinished: true });
    expect(fingerprint(again.state)).toBe(fingerprint(state));
  });

  it("counts an improvement below minDelta as none", async () => {
    const settings = {
      epochs: 20,
      earlyStopping: { patience: 2, minDelta: 10, restoreBest: false },
    };
    const { result } = await trainTiny(tinyModel({ settings }), newRun());
    // The first value counts as an improvement over nothing; no later one is better by 10.
    expect(result).toMatchObject({ status: "early-stopping", epochs: 3 });
  });

  it("lowers the rate on a plateau, but not below the minimum", async () => {
    const settings = {
      epochs: 8,
      learningRate: 0.1,
      monitor: { metric: "loss", mode: "max" as const },
      schedule: { kind: "reduce_on_plateau", factor: 0.1, patience: 2, minimum: 0.005 } as const,
    };
    const { result } = await trainTiny(tinyModel({ settings }), newRun());
    const rates = result.history.map(({ learningRate }) => learningRate);
    const best = result.best?.epoch ?? 0;
    expect(rates.slice(0, best + 2).every((rate) => rate === 0.1)).toBe(true);
    expect(rates[best + 2]).toBeCloseTo(0.01, 12);
    expect(rates.at(-1)).toBeCloseTo(best + 4 < 8 ? 0.005 : 0.01, 12);
  });

  it("pauses at a time limit and goes on from there", async () => {
    const run = newRun();
    const paused = await trainTiny(tinyModel(), run, { timeLimit: 0 });
    expect(paused.result.status).toBe("time-limit");
    const { result, state } = await trainTiny(tinyModel(), run);
    expect(result.status).toBe("finished");
    const straight = await trainTiny(tinyModel(), newRun());
    expect(fingerprint(state)).toBe(fingerprint(straight.state));
  });

  it("keeps the best, the last and as many recent checkpoints as asked", async () => {
    const run = newRun();
    const settings = { checkpoint: { everySteps: 1, keep: 2 } };
    const { result } = await trainTiny(tinyModel({ settings }), run);
    const kept = readdirSync(join(run, "checkpoints")).sort();
    expect(kept.slice(-3)).toEqual(["step-00000014", "step-00000015", "step-00000016"]);
    expect(kept.length).toBeLessThanOrEqual(4);
    expect(kept).toContain(result.best?.checkpoint);
    expect(pointed(run, "last")).toBe(join(run, "checkpoints", "step-00000016"));
  });
});

describe("a loss that is not finite", () => {
  it("stops the step and names the layer and op of the first such value", async () => {
    const definition = tinyModel();
    const { evaluate, infer, train } = definition.programs;
    const broken = {
      ...definition,
      programs: {
        evaluate: evaluate!,
        infer,
        train: {
          ...train!,
          run: ((o, args) => {
            const x = args.inputs.x!;
            o.scope("trouble");
            // x is fine; the logarithm of minus its square is not.
            const bad = o.log(o.neg(o.square(x)));
            const results = train!.run(o, args);
            const loss = o.add(
              results.outputs.loss!,
              o.sum(bad, { axes: [0, 1], keepDims: false }),
            );
            return { ...results, outputs: { ...results.outputs, loss } };
          }) as NonNullable<typeof train>["run"],
        },
      },
    };
    const error = await failure(trainTiny(broken, newRun()));
    expect(error).toMatchObject({ code: "non-finite-loss", reason: "stopped", place: "trouble" });
    expect(error.message).toMatch(/step 1 .*epoch 1, batch 1.* log \[16, 2\] in layer trouble/);
  });

  it("leaves the state of the last good step to continue from", async () => {
    const run = newRun();
    const before = await trainBatches(tinyModel(), run, 7);
    const settings = { learningRate: 0.1 };
    const verdicts: boolean[] = [];
    const exploding: Engine = {
      ...engine,
      prepare: async (...of) => {
        const executable = await engine.prepare(...of);
        return {
          ...executable,
          // A step that ends in NaN on the engine's side: the trainer must refuse to commit it.
          run: async (call) => {
            if (of[0].name !== "train") return executable.run(call);
            return executable.run({
              ...call,
              commit: (outputs) => {
                (outputs.loss as HostTensor).data[0] = Number.NaN;
                verdicts.push(call.commit?.(outputs) ?? true);
                return verdicts.at(-1) ?? true;
              },
            });
          },
        };
      },
    };
    const error = await failure(trainTiny(tinyModel({ settings }), run, { engine: exploding }));
    expect(error.code).toBe("non-finite-loss");
    expect(verdicts).toEqual([false]);
    expect(before.result.status).toBe("interrupted");
    const resumed = await trainTiny(tinyModel(), run);
    const straight = await trainTiny(tinyModel(), newRun());
    expect(fingerprint(resumed.state)).toBe(fingerprint(straight.state));
  });

  it("blames the row of the data when an input is not finite", async () => {
    const points = tinyPoints(52, 1);
    points.x[2 * 37 + 1] = Number.NaN;
    const train = tinySource(points, random.permutation);
    const error = await failure(trainTiny(tinyModel(), newRun(), { data: { ...data, train } }));
    expect(error).toMatchObject({ code: "non-finite-input", place: "x, row 38" });
  });

  it("blames the weight that an update has broken, and saves no such state", async () => {
    const run = newRun();
    const settings = { learningRate: 1e39 };
    const error = await failure(trainTiny(tinyModel({ settings }), run));
    expect(error).toMatchObject({ code: "non-finite-loss", reason: "stopped" });
    expect(error.message).toMatch(/in step 2 .*of layer (hidden|out) already is/);
    expect(readdirSync(join(run, "checkpoints"))).toEqual([]);
  });

  it("does not take a validation loss that is not finite for a result", async () => {
    const points = tinyPoints(20, 2);
    points.x[2 * 5] = Number.NaN;
    const validation = tinySource(points, random.permutation);
    const run = newRun();
    const error = await failure(trainTiny(tinyModel(), run, { data: { ...data, validation } }));
    expect(error).toMatchObject({ code: "non-finite-input", reason: "stopped", place: "x, row 6" });
    expect(error.message).toMatch(/^the validation loss is not finite after step 4 \(epoch 1\)/);
    expect(readdirSync(join(run, "checkpoints"))).toEqual([]);
  });

  it("says what a tensor of the state is", () => {
    const spec = { dtype: "f32", shape: [1], init: { kind: "zeros" }, layer: "out" } as const;
    const title = (name: string, role: StateSpec["role"]): string =>
      tensorTitle(name, { ...spec, role } as StateSpec);
    expect(title("out.kernel", "weight")).toBe("out.kernel");
    expect(title("out.kernel:s", "slot")).toBe(
      "the optimiser's memory of out.kernel (out.kernel:s)",
    );
    expect(title("out.kernel:average", "average")).toBe(
      "the moving average of out.kernel (out.kernel:average)",
    );
  });

  it("names what first overflows while validating", async () => {
    const settings = { learningRate: 1e37, batch: 64, epochs: 1 };
    const error = await failure(trainTiny(tinyModel({ settings }), newRun()));
    expect(error).toMatchObject({ code: "non-finite-loss", reason: "stopped" });
    expect(error.message).toMatch(/^the validation loss .* in layer (hidden|out)$/);
  });

  it("does not save weights that the last step of an epoch has broken", async () => {
    const run = newRun();
    const settings = { learningRate: 1e39, batch: 64, epochs: 1 };
    const options = { data: { train: data.train, validation: null } };
    const error = await failure(trainTiny(tinyModel({ settings }), run, options));
    expect(error.code).toBe("non-finite-loss");
    expect(readdirSync(join(run, "checkpoints"))).toEqual([]);
  });
});

describe("the run folder", () => {
  it("is for one trainer at a time", async () => {
    const run = newRun();
    const second: Promise<DlcError>[] = [];
    await trainTiny(tinyModel(), run, {
      onEvent: (event) => {
        if (event.kind === "epoch" && event.record.epoch === 1) {
          second.push(failure(trainTiny(tinyModel(), run)));
        }
      },
    });
    expect(second).toHaveLength(1);
    for (const error of await Promise.all(second)) {
      expect(error).toMatchObject({ code: "run-busy", reason: "busy" });
      expect(error.message).toContain(String(process.pid));
    }
    expect(existsSync(join(run, ".lock"))).toBe(false);
  });

  it("that cannot be written ends the run with a reason, and loses nothing", async () => {
    const run = newRun();
    const aside = `${run}-aside`;
    const checkpoints = join(run, "checkpoints");
    const error = await failure(
      trainTiny(tinyModel(), run, {
        onEvent: (event) => {
          if (event.kind !== "epoch" || event.record.epoch !== 2) return;
          renameSync(checkpoints, aside);
          writeFileSync(checkpoints, "in the way");
        },
      }),
    );
    expect(error).toMatchObject({ code: "file-operation-failed", reason: "io" });
    rmSync(checkpoints);
    renameSync(aside, checkpoints);
    const { state, events } = await trainTiny(tinyModel(), run);
    expect(eventsOf(events, "started")[0]?.resumedFrom).toMatchObject({ epoch: 3 });
    const straight = await trainTiny(tinyModel(), newRun());
    expect(fingerprint(state)).toBe(fingerprint(straight.state));
    const nowhere = await failure(trainTiny(tinyModel(), join(run, "run.json", "run")));
    expect(nowhere).toMatchObject({ code: "file-operation-failed", reason: "io" });
  });

  it("refuses to continue with other settings, and says which", async () => {
    const run = newRun();
    await trainTiny(tinyModel(), run, { settings: { epochs: 1 } });
    const error = await failure(trainTiny(tinyModel(), run, { settings: { learningRate: 0.5 } }));
    expect(error).toMatchObject({ code: "different-run" });
    expect(error.message).toContain("learningRate was 0.1, is 0.5");
    expect(error.help).toContain("--fresh");
  });

  it("refuses to continue with another spec or other data", async () => {
    const run = newRun();
    await trainTiny(tinyModel(), run, { settings: { epochs: 1 } });
    const spec = await failure(trainTiny({ ...tinyModel(), specHash: "other" }, run));
    expect(spec).toMatchObject({ code: "different-run" });
    const train = tinySource(tinyPoints(51, 1), random.permutation);
    const rows = await failure(trainTiny(tinyModel(), run, { data: { ...data, train } }));
    expect(rows.message).toContain("52 training");
  });

  it("starts over when asked, and deletes nothing else", async () => {
    const run = newRun();
    await trainTiny(tinyModel(), run);
    writeFileSync(join(run, "notes.txt"), "mine");
    const settings = { epochs: 1, seed: 5 };
    const { result } = await trainTiny(tinyModel(), run, { fresh: true, settings });
    expect(result.history).toHaveLength(1);
    expect(readdirSync(join(run, "checkpoints"))).toEqual(["step-00000004"]);
    expect(readFileSync(join(run, "notes.txt"), "utf8")).toBe("mine");
  });

  it("does not take a folder with other files for a run", async () => {
    const run = newRun();
    mkdirSync(run);
    writeFileSync(join(run, "thesis.tex"), "mine");
    for (const fresh of [false, true]) {
      const error = await failure(trainTiny(tinyModel(), run, { fresh }));
      expect(error.code).toBe("not-a-run-folder");
    }
    expect(readdirSync(run)).toEqual(["thesis.tex"]);
  });

  it("that has lost what it says of itself is not continued, but may be started over", async () => {
    const run = newRun();
    await trainTiny(tinyModel(), run, { settings: { epochs: 1 } });
    for (const text of ["", "{", "[]", '{"settings": {}}']) {
      writeFileSync(join(run, "run.json"), text);
      const error = await failure(trainTiny(tinyModel(), run));
      expect(error).toMatchObject({ code: "damaged-run", place: join(run, "run.json") });
    }
    const { result } = await trainTiny(tinyModel(), run, { fresh: true, settings: { epochs: 1 } });
    expect(result.status).toBe("finished");
  });

  it("warns when the engine has changed, for the digits will differ", async () => {
    const run = newRun();
    await trainBatches(tinyModel(), run, 3);
    const { events } = await trainTiny(tinyModel(), run, { engine: { ...engine, threads: 2 } });
    expect(eventsOf(events, "warning").map(({ code }) => code)).toEqual(["engine-changed"]);
  });

  it("starts a new run from given weights, and remembers from which", async () => {
    const run = newRun();
    const { state } = await trainTiny(tinyModel(), newRun());
    const initial = Object.fromEntries(
      Object.entries(state).filter(([name]) => !name.includes(":")),
    );
    const { result } = await trainTiny(tinyModel(), run, { initial, settings: { epochs: 1 } });
    const fromScratch = await trainTiny(tinyModel(), newRun(), { settings: { epochs: 1 } });
    expect(Number(result.history[0]?.train.loss)).toBeLessThan(
      Number(fromScratch.result.history[0]?.train.loss),
    );
    const error = await failure(trainTiny(tinyModel(), run));
    expect(error.message).toContain("started from other weights");
  });

  it("refuses settings that are no whole numbers", async () => {
    for (const settings of [{ batch: 0 }, { epochs: 1.5 }, { batch: Number.NaN }]) {
      const run = newRun();
      const error = await failure(trainTiny(tinyModel(), run, { settings }));
      expect(error).toMatchObject({ code: "invalid-setting" });
      expect(error.place).toBe(`train.${Object.keys(settings)[0]}`);
      expect(existsSync(run)).toBe(false);
    }
  });

  it("says what to do about a program without training, or without examples", async () => {
    const definition = tinyModel();
    const { infer, evaluate } = definition.programs;
    const untrainable = { ...definition, programs: { infer, evaluate: evaluate! } };
    expect((await failure(trainTiny(untrainable, newRun()))).code).toBe("not-trainable");
    const empty = { ...data, train: tinySource(tinyPoints(0, 1), random.permutation) };
    const error = await failure(trainTiny(definition, newRun(), { data: empty }));
    expect(error.code).toBe("no-examples");
    const monitor = { metric: "f1", mode: "max" as const };
    const unknown = await failure(trainTiny(tinyModel({ settings: { monitor } }), newRun()));
    expect(unknown).toMatchObject({ code: "unknown-monitor" });
  });
});
