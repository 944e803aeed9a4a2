/** @file Writing a generated package for a command: what stood in the way is shown. */
import type { ExitReason } from "@dlc/runtime/errors";
import type { EmittedPackage } from "../5-emit/emit-package.js";
import { type WriteOptions, type WriteResult, writePackage } from "../5-emit/write-package.js";
import type { SourceFiles } from "../diagnostics/source-files.js";
import { show } from "./compiling.js";
import type { Console } from "./console.js";

/** Writes or, with `check`, compares; shows what stood in the way. */
export function writeOutput(
  emitted: EmittedPackage,
  outDir: string,
  options: WriteOptions,
  sources: SourceFiles,
  console: Console,
): { readonly result: WriteResult; readonly reason: ExitReason } {
  const result = writePackage(emitted, outDir, options);
  show(result.diagnostics, sources, console);
  return { result, reason: reasonOf(result, options.check ?? false) };
}

function reasonOf({ diagnostics, drift }: WriteResult, check: boolean): ExitReason {
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (errors.some(({ code }) => code === "output-not-writable")) return "io";
  if (errors.length > 0) return "failed";
  return check && drift.length > 0 ? "drift" : "ok";
}
