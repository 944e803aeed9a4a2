/** @file `extends`: a spec on top of a base, one level deep. */
import { dirname, extname, isAbsolute, resolve } from "node:path";
import { reportWrongType } from "./check/wrong-type.js";
import type { LoadContext } from "./context.js";
import { parseYaml } from "./yaml/compose.js";
import { type ReadText, readSpecText } from "./yaml/read-text.js";
import type { YamlEntry, YamlMap, YamlNode } from "./yaml/tree.js";

/** The spec merged with its base; the spec alone where it has none; null after a diagnostic. */
export function withBase(
  root: YamlMap,
  context: LoadContext,
  read: ReadText | undefined,
): YamlMap | null {
  const entry = root.entries.get("extends");
  if (entry === undefined || entry.value.kind !== "scalar") return root; // a wrong type is found later
  const path = entry.value.value;
  if (typeof path !== "string" || path === "") return root;
  const span = entry.value.span;
  if (isAbsolute(path) || path.includes("\\") || ![".yaml", ".yml"].includes(extname(path))) {
    context.diagnostics.report("extends-path", span, { path });
    return null;
  }
  const file = resolve(dirname(context.file), path);
  const text = readSpecText({ path: file, shown: path, span, read }, context);
  if (text === null) return null;
  const base = parseYaml(text, file, context.diagnostics, "base");
  if (base === null) return null;
  if (base.kind !== "map") {
    reportWrongType(context, base, {
      what: "a spec",
      wanted: "a map",
      about: "A spec begins with 'dlc: 1'.",
    });
    return null;
  }
  const further = base.entries.get("extends");
  if (further !== undefined) {
    context.diagnostics.report(
      "extends-twice",
      further.keySpan,
      { base: path },
      { notes: [{ message: "it is the base of this spec", span }] },
    );
    return null;
  }
  return merge(base, root, "") as YamlMap;
}

/** Maps whose one key is a choice: another choice replaces it. */
const choices = new Set([
  ".data.source",
  ".data.validation",
  ".data.test",
  ".train.loss",
  ".train.optimizer",
  ".train.schedule",
]);

/** Of two ways to say the same, the spec's own silences that of the base. */
const exclusive: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  ".train": [["loss", "losses"]],
};

function merge(base: YamlNode, over: YamlNode, path: string): YamlNode {
  if (base.kind !== "map" || over.kind !== "map") return over;
  if (choices.has(path) && ![...over.entries.keys()].every((key) => base.entries.has(key))) {
    return over;
  }
  const entries = new Map<string, YamlEntry>(base.entries);
  for (const [a, b] of exclusive[path] ?? []) {
    if (over.entries.has(a)) entries.delete(b);
    if (over.entries.has(b)) entries.delete(a);
  }
  for (const [key, entry] of over.entries) {
    const below = base.entries.get(key);
    const value =
      below === undefined ? entry.value : merge(below.value, entry.value, `${path}.${key}`);
    entries.set(key, { ...entry, value });
  }
  return { ...over, entries };
}
