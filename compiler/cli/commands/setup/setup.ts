/** @file `dlc setup`: makes an engine work that npm alone does not bring. */
import { DlcError, type ExitReason } from "@dlc/runtime/errors";
import { on, type Run, text } from "../../command.js";
import type { Console } from "../../console.js";
import { shownPath } from "../../paths.js";
import { bytes } from "../../table.js";
import { Interrupted } from "../../tool.js";
import {
  planTensorflow,
  type Route,
  type SetupOptions,
  type SetupResult,
  setupTensorflow,
} from "./tensorflow.js";

function report(result: SetupResult, { kind }: SetupOptions, console: Console): void {
  const title = `${result.engine}:${result.device}`;
  const how =
    result.route === null
      ? "it was all there"
      : result.route === "wheel"
        ? "built against its wheel"
        : "as its package installs it";
  console.result(
    `${title} works: TensorFlow ${result.tensorflow}, ${result.package} ${result.packageVersion} in ${shownPath(result.folder)} (${how})`,
  );
  if (kind === "gpu" && result.device === "cpu") {
    console.note("No GPU was used: there is none that TensorFlow's libraries can drive here.");
  }
  console.note("Next:");
  console.note(`  npx dlc train spec.yaml --engine tensorflow --device ${result.device}`);
}

function optionsOf(
  options: Parameters<Run>[0]["options"],
  signal: AbortSignal,
  console: Console,
): SetupOptions {
  const from = text(options, "from") ?? "auto";
  const wheel = text(options, "wheel");
  if (wheel !== undefined && from === "package") {
    throw new DlcError(
      "bad-command-line",
      "--wheel is for the route of wheels, and --from names the other",
      {
        help: "Leave one of the two out.",
        reason: "usage",
      },
    );
  }
  return {
    kind: on(options, "gpu") ? "gpu" : "cpu",
    cwd: process.cwd(),
    route: from === "auto" ? null : (from as Route),
    wheel,
    save: options.save !== false,
    signal,
    say: console.note,
  };
}

export const run: Run = async ({ args, options, console, signal }): Promise<ExitReason> => {
  if (args[0] !== "tensorflow") {
    throw new DlcError("bad-command-line", `there is nothing to set up for '${String(args[0])}'`, {
      help: "dlc setup tensorflow; other engines come with npm packages. dlc doctor tells what is missing.",
      reason: "usage",
    });
  }
  const wanted = optionsOf(options, signal, console);
  try {
    if (on(options, "dryRun")) {
      const plan = await planTensorflow(wanted);
      if (console.json) console.document({ dryRun: true, ...plan });
      else {
        for (const [i, step] of plan.steps.entries()) console.result(`${i + 1}. ${step}`);
        console.result(`It takes up to ${bytes(plan.bytes)} of disk.`);
      }
      return "ok";
    }
    const result = await setupTensorflow(wanted);
    if (console.json) console.document(result);
    else report(result, wanted, console);
    return "ok";
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    console.note("Interrupted; the same command starts again.");
    return signal.reason as ExitReason;
  }
};
