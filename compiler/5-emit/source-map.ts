/** @file Source maps of compiled programs that lead past the generated TypeScript to the YAML. */
import { dirname, posix, relative, sep } from "node:path";
import {
  allMappings,
  fromMap,
  GenMapping,
  maybeAddMapping,
  setSourceContent,
  toEncodedMap,
} from "@jridgewell/gen-mapping";
import type { CompiledModel } from "../compiled-model.js";
import type { Span } from "../ir/origin.js";

/**
 * How maps name a file of the spec: by the way from the package. `way` leads to the spec's folder.
 */
const sourceName = (specFile: string, file: string, way: string): string =>
  posix.normalize(way + relative(dirname(specFile), file).split(sep).join(posix.sep));

/**
 * The map of a compiled program: each position that the compiler's own map leads to a line of the
 * TypeScript is led on to where that line comes from. The YAML's text is in the map, too, for
 * packages that have left the project.
 */
export function composeMap(
  file: string,
  typescriptMap: string,
  spans: readonly (Span | null)[],
  { spec, sources }: CompiledModel,
  way: string,
): string {
  const map = new GenMapping({ file });
  for (const { generated, original } of allMappings(fromMap(typescriptMap))) {
    const span = original === undefined ? null : (spans[original.line - 1] ?? null);
    const content = span && sources.text(span.file);
    if (span === null || content === null) continue;
    const { line, column } = sources.position(span.file, span.start);
    const source = sourceName(spec.file, span.file, way);
    maybeAddMapping(map, { generated, source, original: { line, column: column - 1 } });
    setSourceContent(map, source, content);
  }
  return `${JSON.stringify(toEncodedMap(map))}\n`;
}
