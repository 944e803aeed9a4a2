/** @file What every step of loading shares: where to report, and the record of where values came from. */
import type { Diagnostics } from "../diagnostics/report.js";
import type { SourceFiles } from "../diagnostics/source-files.js";
import type { Span } from "../ir/origin.js";
import type { ResolvedSpec } from "./resolved-spec.js";
import type { YamlNode } from "./yaml/tree.js";

export type ValueOrigin = ResolvedSpec["origins"][number];

export class LoadContext {
  readonly origins: ValueOrigin[] = [];
  /** False where features may be missing for a mistake that has been reported. */
  featuresKnown = true;
  /** The same for blocks. */
  blocksKnown = true;
  /** The same for networks and layers: what names them is not judged where they have mistakes. */
  modelKnown = true;

  constructor(
    /** The spec file, absolute. */
    readonly file: string,
    readonly diagnostics: Diagnostics,
    readonly sources: SourceFiles,
  ) {}

  /** Records a value that was written. */
  record(path: string, value: unknown, node: YamlNode): void {
    this.origins.push({ path, value, from: this.#sourceOf(node), span: node.span });
  }

  /** Puts in place of a default what it came to. */
  settleDefault(path: string, value: unknown): void {
    const at = this.origins.findLastIndex((origin) => origin.path === path);
    const origin = this.origins[at];
    if (origin?.from === "default") this.origins[at] = { ...origin, value };
  }

  /** Forgets a default that something else took the place of. */
  dropDefault(path: string): void {
    const at = this.origins.findLastIndex((origin) => origin.path === path);
    if (this.origins[at]?.from === "default") this.origins.splice(at, 1);
  }

  recordDefault(path: string, value: unknown): void {
    this.origins.push({ path, value, from: "default", span: null });
  }

  #sourceOf(node: YamlNode): ValueOrigin["from"] {
    if (node.kind === "scalar" && node.source !== "spec") return node.source;
    if (node.span.library !== undefined) return "block";
    return node.span.file === this.file ? "spec" : "base";
  }
}

/** The first line of a place: marks never run over several lines. */
export function headOf(span: Span, sources: SourceFiles): Span {
  const text = sources.slice(span);
  const newline = text.search(/\r?\n/);
  return newline < 0 ? span : { ...span, end: span.start + newline };
}
