/** @file Compiling for a command: diagnostics shown, and a model or nothing. */
import type { CompiledModel } from "../compiled-model.js";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { renderText, toJson } from "../diagnostics/render.js";
import type { SourceFiles } from "../diagnostics/source-files.js";
import { type CompileOptions, type CompileResult, compile } from "../pipeline.js";
import { type Invocation, settings } from "./command.js";
import type { Console } from "./console.js";

/** Prints diagnostics for a person on stderr. */
export function show(
  diagnostics: readonly Diagnostic[],
  sources: SourceFiles,
  console: Console,
): void {
  if (diagnostics.length === 0) return;
  const color = console.colors.isColorSupported;
  console.note(renderText(diagnostics, sources, { color }));
}

/** `3 errors, 1 warning` */
export function summary(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter(({ severity }) => severity === "error").length;
  const warnings = diagnostics.length - errors;
  const some = (count: number, word: string): string[] =>
    count === 0 ? [] : [`${count} ${word}${count === 1 ? "" : "s"}`];
  return [...some(errors, "error"), ...some(warnings, "warning")].join(", ");
}

/** Compiles a spec for a command that needs the model; tells what is wrong and returns null if there is none. */
export async function compileModel(
  file: string,
  { console, options }: Pick<Invocation, "console" | "options">,
  extra: CompileOptions = {},
): Promise<(CompileResult & { readonly model: CompiledModel }) | null> {
  const result = await compile(file, { set: settings(options), ...extra });
  const { diagnostics, sources, model } = result;
  if (console.json && model === null) console.document(toJson(diagnostics.all, sources));
  else show(diagnostics.all, sources, console);
  if (model !== null) return { ...result, model };
  if (!console.json) console.note(summary(diagnostics.all));
  return null;
}
