/** @file Reads the `init` section: which file to start from, and what of it goes where. */
import { dirname, isAbsolute, posix, relative } from "node:path";
import type { Checked, Owner } from "../check/check-shape.js";
import { readBody } from "../check/read-named.js";
import { headOf, type LoadContext } from "../context.js";
import { type Scope, substitute } from "../params.js";
import type { InitUse } from "../resolved-spec.js";
import { initShape } from "../schema/init.js";
import type { Shape } from "../schema/shape.js";
import type { YamlMap, YamlNode } from "../yaml/tree.js";
import { meansLayer, placesOf, readPatterns, reportUnmatched } from "./layer-patterns.js";

/** Null where there is none, and after a diagnostic. `trains`: does the spec have a train section? */
export function readInit(
  root: YamlMap,
  scope: Scope,
  owners: readonly string[],
  trains: boolean,
  context: LoadContext,
): InitUse | null {
  const entry = root.entries.get("init");
  if (entry === undefined) return null;
  const written = substitute(entry.value, scope, context);
  const owner: Owner = { title: "init", span: entry.keySpan, path: "init" };
  const read = readBody(written, initShape as unknown as Shape, owner, context);
  if (read?.ok !== true) return null;
  const { values, nodes, spans } = read as unknown as Checked<(typeof initShape)["fields"]>;
  if (!trains) {
    context.diagnostics.report("setting-without-effect", entry.keySpan, {
      setting: "init",
      reason: "there is no train section, and only training starts from weights",
    });
    return null;
  }
  const map = readMap(nodes.get("map"), owners, context);
  const only =
    values.only === null
      ? null
      : readPatterns(values.only, placesOf(nodes.get("only")), "only", owners, context);
  return {
    from: rebase(values.from, nodes.get("from"), context),
    layout: values.layout,
    map,
    only,
    missing: values.missing,
    span: headOf(spans.from ?? entry.keySpan, context.sources),
  };
}

function readMap(
  node: YamlNode | undefined,
  owners: readonly string[],
  context: LoadContext,
): InitUse["map"] {
  const entries = node?.kind === "map" ? [...node.entries.values()] : [];
  return entries.map(({ key, keySpan, value }) => {
    const to = value.kind === "scalar" && value.value !== null ? String(value.value) : null;
    // With a star on both sides only the file tells what it means.
    const isSettled = to === null || (to.includes("*") && key.includes("*"));
    const known = isSettled || owners.some((owner) => meansLayer(to, owner) || isTensor(to, owner));
    if (!known && context.modelKnown) {
      reportUnmatched(to, "map", owners, value.span, true, context);
    }
    return { from: key, to, fromSpan: keySpan, toSpan: value.span };
  });
}

/** Could it be a tensor of the layer, `conv2d_1.kernel`? */
const isTensor = (name: string, owner: string): boolean =>
  name.startsWith(`${owner}.`) && !name.slice(owner.length + 1).includes(".");

/** Paths in a base file are relative to its folder; in the resolved spec all are to the spec's. */
function rebase(path: string, node: YamlNode | undefined, context: LoadContext): string {
  const file = node?.span.file ?? context.file;
  if (file === context.file || path.startsWith("npm:") || isAbsolute(path)) return path;
  const way = relative(dirname(context.file), dirname(file)).replaceAll("\\", "/");
  return posix.join(way, path);
}
