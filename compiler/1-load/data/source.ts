/** @file Reads a data source, and knows its columns where they follow from the spec. */
import { dirname, isAbsolute, posix, relative } from "node:path";
import type { SourceSpec } from "@dlc/runtime";
import { reportWrongValue } from "../check/check-shape.js";
import { readNamed } from "../check/read-named.js";
import { validate } from "../check/validate.js";
import { reportWrongType } from "../check/wrong-type.js";
import { headOf, type LoadContext } from "../context.js";
import type { ValuesOf } from "../schema/shape.js";
import {
  type cifarShape,
  columnFilesSchema,
  columnSources,
  type csvShape,
  type imagesShape,
  type jsonShape,
  sourceChoice,
  type textSourceShape,
} from "../schema/sources.js";
import { isPoisoned, nodeAt, plainValue, type YamlNode } from "../yaml/tree.js";

/** Null after a diagnostic. `path`: "data.source". */
export function readSource(node: YamlNode, path: string, context: LoadContext): SourceSpec | null {
  if (node.kind === "map" && node.entries.size === 1) {
    const [entry] = node.entries.values();
    if (entry !== undefined && columnSources.has(entry.key)) {
      const kind = entry.key as "idx" | "npy";
      const files = readFiles(entry.value, `'${kind}'`, `${path}.${kind}`, context);
      return files === null ? null : { kind, files };
    }
  }
  const named = readNamed(node, sourceChoice, (name) => `source '${name}'`, path, context);
  if (named === null || !named.checked.ok) return null;
  if (columnSources.has(named.name)) {
    context.diagnostics.report("missing-key", headOf(named.nameSpan, context.sources), {
      key: "images",
      owner: `source '${named.name}'`,
      about: `Name a file for each column: ${sourceChoice.shapes.get(named.name)?.example ?? ""}.`,
    });
    return null;
  }
  const read = readers[named.name];
  if (read === undefined) return null;
  return read({
    values: named.checked.values,
    nodes: named.checked.nodes,
    node,
    path: `${path}.${named.name}`,
    context,
  });
}

interface Reading {
  /** Checked against the source's shape. */
  readonly values: object;
  readonly nodes: ReadonlyMap<string, YamlNode>;
  readonly node: YamlNode;
  readonly path: string;
  readonly context: LoadContext;
}

const readers: Readonly<Record<string, (reading: Reading) => SourceSpec | null>> = {
  csv({ values, nodes, context }) {
    const { path, delimiter, header } = values as ValuesOf<typeof csvShape>;
    return { kind: "csv", path: rebase(path, nodes.get("path"), context), delimiter, header };
  },
  cifar({ values, nodes, context }) {
    const { files, classes } = values as ValuesOf<typeof cifarShape>;
    const node = nodes.get("files");
    return { kind: "cifar", files: files.map((file) => rebase(file, node, context)), classes };
  },
  images({ values, nodes, context }) {
    const { path } = values as ValuesOf<typeof imagesShape>;
    return { kind: "images", path: rebase(path, nodes.get("path"), context) };
  },
  json: readJson,
  text({ values, nodes, context }) {
    const { path, by, length } = values as ValuesOf<typeof textSourceShape>;
    const written = nodes.get("length");
    if (by !== "characters" && written !== undefined) {
      context.diagnostics.report("setting-without-effect", written.span, {
        setting: "length",
        reason: "only 'by: characters' cuts the text at a length",
      });
    }
    return { kind: "text", path: rebase(path, nodes.get("path"), context), by, length };
  },
  arrays: () => ({ kind: "arrays" }),
};

function readJson({ values, nodes, node, path, context }: Reading): SourceSpec | null {
  const { path: records, at, column } = values as ValuesOf<typeof jsonShape>;
  const byClass = nodes.get("by_class");
  const file = nodes.get("path");
  if ((byClass === undefined) === (file === undefined)) {
    const span = headOf((byClass ?? node).span, context.sources);
    context.diagnostics.report("one-of-two", span, {
      owner: "source 'json'",
      first: "path",
      second: "by_class",
      found: file === undefined ? "neither is given" : "both are given",
    });
    return null;
  }
  if (byClass === undefined) {
    if (nodes.has("column")) {
      context.diagnostics.report("setting-without-effect", nodes.get("column")?.span ?? null, {
        setting: "column",
        reason: "only 'by_class' has a column of values",
      });
    }
    return { kind: "json", path: rebase(records ?? "", file, context), at };
  }
  const files = readFiles(byClass, "'by_class'", `${path}.by_class`, context);
  if (files === null) return null;
  return { kind: "json_by_class", files, at, column: column ?? "values" };
}

function readFiles(
  node: YamlNode,
  what: string,
  path: string,
  context: LoadContext,
): Readonly<Record<string, string>> | null {
  if (isPoisoned(node)) return null;
  const findings = validate(columnFilesSchema, plainValue(node));
  for (const finding of findings) {
    const at = nodeAt(node, finding.path);
    if (at === null || !("schema" in finding) || finding.kind === "unknown") continue;
    const name = finding.path.length === 0 ? what : `'${finding.path.join(".")}' of ${what}`;
    if (finding.path.length === 0) {
      reportWrongType(context, node, {
        what,
        wanted: "a map from names to files",
        about: "For example: { images: train-images-idx3-ubyte, labels: train-labels-idx1-ubyte }.",
      });
    } else
      reportWrongValue(
        finding.kind,
        { what: name, node: at, schema: finding.schema, about: "A path, or npm:package/path." },
        context,
      );
  }
  if (findings.length > 0 || node.kind !== "map") return null;
  const files: Record<string, string> = {};
  for (const { key, value } of node.entries.values()) {
    files[key] = rebase(String((value as { value: unknown }).value), value, context);
    context.record(`${path}.${key}`, files[key], value);
  }
  return files;
}

/** Paths in a base file are relative to its folder; in the resolved spec all are to the spec's. */
function rebase(path: string, node: YamlNode | undefined, context: LoadContext): string {
  const file = node?.span.file ?? context.file;
  if (file === context.file || path.startsWith("npm:") || isAbsolute(path)) return path;
  const way = relative(dirname(context.file), dirname(file)).replaceAll("\\", "/");
  return posix.join(way, path);
}

export interface SourceColumns {
  /** Null: only the data can tell. */
  readonly names: readonly string[] | null;
  /** What an only feature reads, and an only target. */
  readonly main: string | null;
  readonly label: string | null;
}

export function columnsOf(source: SourceSpec): SourceColumns {
  switch (source.kind) {
    case "idx":
    case "npy": {
      const names = Object.keys(source.files);
      const find = (...words: string[]): string | null =>
        words.find((word) => names.includes(word)) ?? null;
      return { names, main: find("images", "image"), label: find("labels", "label") };
    }
    case "cifar": {
      const more = source.classes === 100 ? ["coarse_label"] : [];
      return { names: ["image", "label", ...more], main: "image", label: "label" };
    }
    case "images":
      return { names: ["image", "label"], main: "image", label: "label" };
    case "json_by_class":
      return { names: [source.column, "label"], main: source.column, label: "label" };
    case "text":
      return { names: ["text"], main: "text", label: null };
    case "csv":
      return { names: source.header, main: null, label: null };
    case "json":
    case "arrays":
      return { names: null, main: null, label: null };
  }
}
