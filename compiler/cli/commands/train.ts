/** @file `dlc train`: compiles a spec into its run folder and trains it there. */
import { dirname, join, resolve } from "node:path";
import { createProgress, type TrainResult } from "@dlc/runtime";
import { DlcError, type ExitReason } from "@dlc/runtime/errors";
import { emitPackage } from "../../5-emit/emit-package.js";
import { hashesOf } from "../../5-emit/hashes.js";
import { machineMemory } from "../../memory.js";
import { type Invocation, on, type Run, text } from "../command.js";
import { compileModel } from "../compiling.js";
import { engineOptions } from "../engine-options.js";
import { evaluationText } from "../evaluation-text.js";
import { type GeneratedPackage, importEmitted } from "../generated.js";
import { writePictures } from "../generated-output.js";
import { shownPath } from "../paths.js";
import { packagesFolder, requireUsable } from "../run-folder.js";
import { writeOutput } from "../writing.js";

/** What `dlc eval` and `dlc predict` will use: the best weights of the run, on the test split. */
async function report(
  generated: GeneratedPackage,
  folder: string,
  { args, options, console }: Invocation,
): Promise<void> {
  const base = dirname(resolve(args[0] as string));
  const model = await generated.load({ ...engineOptions(options), base, weights: folder });
  try {
    const { data } = model.definition;
    const hasTest = data !== null && (data.test !== null || data.split.test > 0);
    const test = hasTest ? await model.evaluate({ split: "test" }) : null;
    if (console.json) {
      console.document({ kind: "trained", weights: model.weights, test });
    } else {
      if (test !== null) console.result(evaluationText(test));
      console.note(`weights: ${shownPath(model.weights?.path ?? folder)}`);
    }
    for (const picture of await writePictures(model, folder, base)) {
      console.note(`picture: ${shownPath(picture)}`);
    }
  } finally {
    await model.dispose();
  }
}

function outcome({ status }: TrainResult, signal: AbortSignal): ExitReason {
  if (status === "time-limit") return "stopped";
  if (status !== "interrupted") return "ok";
  return signal.reason === "terminated" ? "terminated" : "interrupted";
}

interface TrainParts {
  readonly folder: string;
  /** The spec's folder. */
  readonly base: string;
  /** Messages that the user has seen. */
  readonly told: ReadonlySet<string>;
  /** Called once the run folder has passed all checks. */
  readonly onStarted: () => void;
}

async function train(
  generated: GeneratedPackage,
  { folder, base, told, onStarted }: TrainParts,
  { options, console, signal }: Invocation,
): Promise<ExitReason> {
  const progress = createProgress({
    stream: console.json ? process.stdout : process.stderr,
    mode: console.json ? "json" : console.live ? "live" : "lines",
    color: console.colors.isColorSupported,
  });
  const model = await generated.load({ ...engineOptions(options), base });
  try {
    const result = await model.train({
      run: folder,
      fresh: on(options, "fresh"),
      signal,
      onEvent(event) {
        if (event.kind === "started") onStarted();
        // Compiling looked at the same data: what it has said is not said twice.
        const again = event.kind === "warning" && told.has(event.message) && !console.json;
        if (!again) progress(event);
      },
    });
    return outcome(result, signal);
  } finally {
    await model.dispose();
  }
}

export const run: Run = async (invocation) => {
  const { args, options, signal, console } = invocation;
  signal.addEventListener("abort", () =>
    console.note(
      `${console.live ? "\n" : ""}Stopping as soon as what was done is saved; once more stops at once.`,
    ),
  );
  const spec = args[0] as string;
  const compiled = await compileModel(spec, invocation, {
    memory: { bytes: machineMemory(), enforced: true },
  });
  if (compiled === null) return "failed";
  const { model: source, sources, diagnostics } = compiled;
  const told = new Set(diagnostics.all.map(({ message }) => message));
  if (source.spec.train === null) {
    throw new DlcError("not-trainable", `${source.spec.name} has no train section`, {
      place: spec,
      help: "Add one: at least a loss.",
    });
  }
  const folder = join(resolve(text(options, "runs") ?? ""), source.spec.name);
  requireUsable(folder, hashesOf(source).spec, on(options, "fresh"));
  const outDir = packagesFolder(folder);
  const emitted = await emitPackage(source, { outDir });
  if (signal.aborted) {
    console.note("interrupted before training began");
    return signal.reason === "terminated" ? "terminated" : "interrupted";
  }
  const generated = await importEmitted(emitted);
  // Another run's package must stay beside its weights: nothing is written until this is the same run.
  const onStarted = (): void => {
    const { reason } = writeOutput(emitted, outDir, { force: true }, sources, console);
    if (reason === "ok") return;
    throw new DlcError("io-error", "the generated package cannot be written into the run folder", {
      place: outDir,
      help: "Check the permissions and the free space.",
      reason,
    });
  };
  const base = dirname(resolve(spec));
  const reason = await train(generated, { folder, base, told, onStarted }, invocation);
  if (reason === "ok") await report(generated, folder, invocation);
  return reason;
};
