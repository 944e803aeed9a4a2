/** @file `dlc build`: from a spec to a TypeScript package on disk. */
import { resolve } from "node:path";
import { DlcError, type ExitReason } from "@dlc/runtime/errors";
import { allPasses } from "../../4-optimize/index.js";
import { emitPackage } from "../../5-emit/emit-package.js";
import type { WriteResult } from "../../5-emit/write-package.js";
import { suggest } from "../../diagnostics/suggest.js";
import { printGraph } from "../../ir/print.js";
import type { CompileOptions } from "../../pipeline.js";
import { type Invocation, on, type Run, text } from "../command.js";
import { compileModel } from "../compiling.js";
import type { Console } from "../console.js";
import { shownPath } from "../paths.js";
import { watch } from "../watching.js";
import { writeOutput } from "../writing.js";

const passNames = allPasses.map(({ name }) => name);

interface Timing {
  readonly name: string;
  readonly ms: number;
}

/** A graph after a pass that `--print-after` names. */
interface Printed {
  readonly program: string;
  readonly pass: string;
  /** Some passes run more than once: the first run is 1. */
  readonly run: number;
  readonly graph: string;
}

/** Hooks for `--print-after` and `--time`. */
function observers(
  { options }: Pick<Invocation, "options">,
  timings: Timing[],
  printed: Printed[],
): CompileOptions {
  const wanted = new Set((options.printAfter as readonly string[] | undefined) ?? []);
  for (const name of wanted) {
    if (passNames.includes(name)) continue;
    const near = suggest(name, passNames);
    throw new DlcError("unknown-pass", `there is no pass '${name}'`, {
      help: `${near === null ? "" : `Did you mean '${near.word}'? `}Passes: ${passNames.join(", ")}.`,
      reason: "usage",
    });
  }
  return {
    onStage: (stage, ms) => void timings.push({ name: stage, ms }),
    onPass: (program, name, graph, ms) => {
      timings.push({ name: `  ${program}: ${name}`, ms });
      if (!wanted.has(name)) return;
      const times = printed.filter((one) => one.program === program && one.pass === name).length;
      printed.push({ program, pass: name, run: times + 1, graph: printGraph(graph) });
    },
  };
}

/** One build; `files` are those to watch. */
async function build(
  invocation: Invocation,
): Promise<{ reason: ExitReason; files: readonly string[] }> {
  const { args, options, console } = invocation;
  const file = args[0] as string;
  const timings: Timing[] = [];
  const printed: Printed[] = [];
  const compiled = await compileModel(file, invocation, observers(invocation, timings, printed));
  if (!console.json) for (const one of printed) console.result(graphText(one));
  if (compiled === null) return { reason: "failed", files: [resolve(file)] };
  const { model, sources } = compiled;
  const files = [...new Set([resolve(file), ...sources.files])];
  const outDir = resolve(text(options, "out") ?? "");
  const start = performance.now();
  const emitted = await emitPackage(model, { outDir });
  timings.push({ name: "emit", ms: performance.now() - start });
  const how = { check: on(options, "check"), force: on(options, "force") };
  const { result, reason } = writeOutput(emitted, outDir, how, sources, console);
  if (on(options, "time")) {
    for (const { name, ms } of timings) console.note(`${ms.toFixed(1).padStart(9)} ms  ${name}`);
  }
  tell(result, reason, { check: how.check, graphs: printed }, console);
  return { reason, files };
}

function graphText({ program, pass, run, graph }: Printed): string {
  return `// ${program} after ${pass}${run === 1 ? "" : ` (run ${run})`}\n${graph}`;
}

function tell(
  result: WriteResult,
  reason: ExitReason,
  { check, graphs }: { readonly check: boolean; readonly graphs: readonly Printed[] },
  console: Console,
): void {
  const { folder, written, removed, unchanged, drift, diagnostics } = result;
  if (console.json) {
    const ok = reason === "ok";
    const problems = diagnostics.map(({ code, message, help }) => ({ code, message, help }));
    const shown = graphs.length === 0 ? {} : { graphs };
    console.document({
      ...{ folder, written, removed, unchanged, drift, ok, diagnostics: problems },
      ...shown,
    });
    return;
  }
  if (check) {
    for (const { diff } of drift) console.result(diff);
    if (reason === "ok") console.result(`${shownPath(folder)}: up to date`);
    if (reason === "drift") {
      const differ = drift.length === 1 ? "1 file differs" : `${drift.length} files differ`;
      console.note(`${shownPath(folder)}: ${differ} from what the spec gives; run dlc build`);
    }
    return;
  }
  if (reason !== "ok") return;
  const gone = removed.length === 0 ? "" : `, ${removed.length} removed`;
  const files = written.length === 1 ? "1 file" : `${written.length} files`;
  console.result(`${shownPath(folder)}: ${files} written, ${unchanged.length} unchanged${gone}`);
}

export const run: Run = async (invocation) => {
  const { options } = invocation;
  if (on(options, "check") && on(options, "force")) {
    throw new DlcError(
      "bad-command-line",
      "--check writes nothing, so there is nothing to --force",
      {
        help: "Give one of the two.",
        reason: "usage",
      },
    );
  }
  if (on(invocation.options, "watch")) {
    const work = async (): Promise<readonly string[]> => (await build(invocation)).files;
    return watch(work, invocation);
  }
  return (await build(invocation)).reason;
};
