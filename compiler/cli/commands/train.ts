/** @file `dlc train`: compiles a spec into its run folder and trains it there. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import {
  createProgress,
  DlcError,
  type EvaluationResult,
  type ExitReason,
  type TrainResult,
} from "@dlc/runtime";
import { emitPackage } from "../../5-emit/emit-package.js";
import { hashesOf } from "../../5-emit/hashes.js";
import { writePackage } from "../../5-emit/write-package.js";
import type { CompiledModel } from "../../compiled-model.js";
import { on, type Run, text } from "../command.js";
import { compileModel } from "../compiling.js";
import { engineOptions } from "../engine-options.js";
import { evaluationText } from "../evaluation-text.js";
import { type AnyModel, importPackage } from "../generated.js";

/** A run keeps its own package: refuses before overwriting it with that of another spec. */
function requireSameSpec(run: string, model: CompiledModel): void {
  const file = join(run, "run.json");
  if (!existsSync(file)) return;
  const { specHash } = JSON.parse(readFileSync(file, "utf8")) as { specHash?: unknown };
  if (specHash === hashesOf(model).spec) return;
  throw new DlcError("different-run", `the spec has changed since ${run} was started`, {
    place: run,
    help: "Start over with --fresh, train into another place with --runs <folder>, or undo the change.",
  });
}

async function testResult(model: AnyModel): Promise<EvaluationResult | null> {
  const { data } = model.definition;
  if (data === null || (data.test === null && data.split.test === 0)) return null;
  return model.evaluate({ split: "test" });
}

function outcome({ status }: TrainResult, signal: AbortSignal): ExitReason {
  if (status === "time-limit") return "stopped";
  if (status !== "interrupted") return "ok";
  return signal.reason === "terminated" ? "terminated" : "interrupted";
}

export const run: Run = async (invocation) => {
  const { args, options, console, signal } = invocation;
  const compiled = await compileModel(args[0] as string, invocation);
  if (compiled === null) return "failed";
  const { model: source } = compiled;
  if (source.spec.train === null) {
    throw new DlcError("not-trainable", "the spec has no train section", {
      place: args[0] as string,
      help: "Add one: at least a loss.",
    });
  }
  const folder = join(resolve(text(options, "runs") ?? "runs"), source.spec.name);
  const fresh = on(options, "fresh");
  if (!fresh) requireSameSpec(folder, source);
  const outDir = join(folder, "package");
  const written = writePackage(await emitPackage(source, { outDir }), outDir, { force: true });
  const generated = await importPackage(written.folder);
  const model = await generated.load(engineOptions(options));
  try {
    const result = await model.train({
      run: folder,
      fresh,
      signal,
      onEvent: createProgress({
        stream: console.json ? process.stdout : process.stderr,
        mode: console.json ? "json" : console.live ? "live" : "lines",
        color: console.colors.isColorSupported,
      }),
    });
    const reason = outcome(result, signal);
    if (reason !== "ok") {
      console.note(`Saved in ${folder}; the same command continues.`);
      return reason;
    }
    const test = await testResult(model);
    if (console.json) {
      if (test !== null) console.document({ kind: "test", ...test });
    } else {
      if (test !== null) console.result(evaluationText(test));
      console.note(`Weights: ${result.weights}`);
    }
    return "ok";
  } finally {
    await model.dispose();
  }
};
