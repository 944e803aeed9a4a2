/** @file `dlc build`: from a spec to a TypeScript package on disk. */
import { resolve } from "node:path";
import { DlcError, type ExitReason } from "@dlc/runtime/errors";
import { allPasses } from "../../4-optimize/index.js";
import { emitPackage } from "../../5-emit/emit-package.js";
import { writePackage } from "../../5-emit/write-package.js";
import { suggest } from "../../diagnostics/suggest.js";
import { printGraph } from "../../ir/print.js";
import type { CompileOptions } from "../../pipeline.js";
import { type Invocation, on, type Run, text } from "../command.js";
import { compileModel, show } from "../compiling.js";
import { watch } from "../watching.js";

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
  const outDir = resolve(text(options, "out") ?? "generated");
  const start = performance.now();
  const emitted = await emitPackage(model, { outDir });
  timings.push({ name: "emit", ms: performance.now() - start });
  const check = on(options, "check");
  const result = writePackage(emitted, outDir, { check, force: on(options, "force") });
  if (on(options, "time")) {
    for (const { name, ms } of timings) console.note(`${ms.toFixed(1).padStart(9)} ms  ${name}`);
  }
  const { folder, written, removed, unchanged, drift, diagnostics } = result;
  show(diagnostics, sources, console);
  const reason = diagnostics.some(({ severity }) => severity === "error")
    ? "failed"
    : check && drift.length > 0
      ? "drift"
      : "ok";
  if (console.json) {
    console.document({ folder, written, removed, unchanged, drift, ok: reason === "ok" });
  } else if (check) {
    for (const { diff } of drift) console.result(diff);
    console.note(reason === "ok" ? `${folder} is up to date` : `${folder} differs from the spec`);
  } else if (reason === "ok") {
    console.result(`${folder}: ${written.length} files written, ${unchanged.length} unchanged`);
  }
  return { reason, files };
}

export const run: Run = async (invocation) => {
  if (on(invocation.options, "watch")) {
    const work = async (): Promise<readonly string[]> => (await build(invocation)).files;
    return watch(work, invocation.signal, invocation.console);
  }
  return (await build(invocation)).reason;
};
