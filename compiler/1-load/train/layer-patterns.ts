/** @file Names and globs of layers, blocks and networks: what `freeze`, `learning_rates` and `init` are about. */
import { didYouMean } from "../../diagnostics/fixes.js";
import type { Span } from "../../ir/origin.js";
import { isLiteral } from "../check/check-shape.js";
import type { LoadContext } from "../context.js";
import type { LayerPattern } from "../resolved-spec.js";
import type { YamlNode } from "../yaml/tree.js";

/**
 * Does a text match a glob, in which `*` stands for any text? In time linear in both for one star
 * after the other (no regular expression: globs come from the user).
 */
export function matchesGlob(glob: string, text: string): boolean {
  const [first = "", ...rest] = glob.split("*");
  const last = rest.pop();
  if (last === undefined) return glob === text;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

/** A name and those of what is around it: `net.res1/conv` is in `net.res1`, which is in `net`. */
export const namesAround = (name: string): readonly string[] => [
  ...[...name.matchAll(/[./]/g)].map(({ index }) => name.slice(0, index)),
  name,
];

/** Does the pattern mean this layer, by its own name (as weights have it) or a block or network around it? */
export const meansLayer = (pattern: string, owner: string): boolean =>
  namesAround(owner).some((name) => matchesGlob(pattern, name));

/** The patterns of a setting. Those that mean no layer are reported and left out. */
export function readPatterns(
  names: readonly string[],
  places: readonly { readonly node: YamlNode | undefined; readonly span: Span }[],
  setting: string,
  owners: readonly string[],
  context: LoadContext,
): readonly LayerPattern[] {
  return names.flatMap((pattern, i): LayerPattern[] => {
    const { node, span = null } = places[i] ?? { node: undefined };
    if (span === null) return [];
    if (!context.modelKnown || owners.some((owner) => meansLayer(pattern, owner))) {
      return [{ pattern, span }];
    }
    const replaceable = node === undefined || isLiteral(node);
    reportUnmatched(pattern, setting, owners, span, replaceable, context);
    return [];
  });
}

export function reportUnmatched(
  name: string,
  setting: string,
  owners: readonly string[],
  span: Span,
  replaceable: boolean,
  context: Pick<LoadContext, "diagnostics">,
): void {
  const known = [...new Set(owners.flatMap(namesAround))];
  context.diagnostics.report(
    "unmatched-name",
    span,
    { name, setting, known: known.slice(0, 12).join(", ") },
    didYouMean(name, known, span, replaceable),
  );
}

/** The items of a list, or the single value, with their places. */
export const placesOf = (
  node: YamlNode | undefined,
): readonly { readonly node: YamlNode; readonly span: Span }[] => {
  if (node === undefined) return [];
  return (node.kind === "list" ? node.items : [node]).map((item) => ({
    node: item,
    span: item.span,
  }));
};
