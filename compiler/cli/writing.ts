/** @file Writing a generated package for a command: what stood in the way is shown. */
import type { ExitReason } from "@dlc/runtime/errors";
import type { EmittedPackage } from "../5-emit/emit-package.js";
import { type WriteOptions, type WriteResult, writePackage } from "../5-emit/write-package.js";
import type { SourceFiles } from "../diagnostics/source-files.js";
import { show } from "./compiling.js";
import type { Console } from "./console.js";

/** Writes or, with `check`, compares; shows the diagnostics unless the result will hold them. */
export function writeOutput(
  emitted: EmittedPackage,
  outDir: string,
  options: WriteOptions,
  sources: SourceFiles,
  console: Console,
): { readonly result: WriteResult; readonly reason: ExitReason } {
  const result = writePackage(emitted, outDir, options);
  show(result.diagnostics, sources, console);
  return { result, reason: reasonOf(result) };
}

function reasonOf({ diagnostics }: WriteResult): ExitReason {
  const codes = new Set(
    diagnostics.filter(({ severity }) => severity === "error").map(({ code }) => code),
  );
  if (codes.has("output-not-writable")) return "io";
  if (codes.size === 0) return "ok";
  return codes.has("output-drift") && codes.size === 1 ? "drift" : "failed";
}
