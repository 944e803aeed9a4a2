/** @file Public surface of the compiler: what the command line and programs that build models import. */
export { type LoadOptions, type LoadResult, loadSpec } from "./1-load/load-spec.js";
export type { ResolvedSpec } from "./1-load/resolved-spec.js";
export type { LayerSummary } from "./2-lower/lowered-model.js";
export { allPasses } from "./4-optimize/index.js";
export { type EmitOptions, type EmittedPackage, emitPackage } from "./5-emit/emit-package.js";
export type { Emitter } from "./5-emit/emitter.js";
export {
  type Drift,
  type WriteOptions,
  type WriteResult,
  writePackage,
} from "./5-emit/write-package.js";
export type { CompiledModel, CompiledPrograms } from "./compiled-model.js";
export { type Code, catalogue } from "./diagnostics/catalogue/index.js";
export type { CatalogueEntry, Diagnostic, Fix, Note, TextEdit } from "./diagnostics/diagnostic.js";
export { applyFixes, certainFixes, type FixResult } from "./diagnostics/fixes.js";
export { type JsonReport, type RenderOptions, renderText, toJson } from "./diagnostics/render.js";
export { Diagnostics } from "./diagnostics/report.js";
export { SourceFiles } from "./diagnostics/source-files.js";
export { printGraph } from "./ir/print.js";
export type { Graph } from "./ir/types.js";
export {
  type CompileOptions,
  type CompileResult,
  compile,
  compileSpec,
  type ProgramName,
  type Stage,
  stageNames,
} from "./pipeline.js";
export { version } from "./version.js";
