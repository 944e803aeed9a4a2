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

/** Hooks for `--print-after` and `--time`. */
function observers(invocation: Invocation, timings: Timing[]): CompileOptions {
  const { console, options } = invocation;
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
      if (wanted.has(name)) console.note(`// ${program} after ${name}\n${printGraph(graph)}`);
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
  const compiled = await compileModel(file, invocation, observers(invocation, timings));
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
  tell(result, reason, how.check, console);
  return { reason, files };
}

function tell(result: WriteResult, reason: ExitReason, check: boolean, console: Console): void {
  const { folder, written, removed, unchanged, drift, diagnostics } = result;
  if (console.json) {
    const ok = reason === "ok";
    const problems = diagnostics.map(({ code, message, help }) => ({ code, message, help }));
    console.document({ folder, written, removed, unchanged, drift, ok, diagnostics: problems });
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
  if (on(invocation.options, "watch")) {
    const work = async (): Promise<readonly string[]> => (await build(invocation)).files;
    return watch(work, invocation);
  }
  return (await build(invocation)).reason;
};
