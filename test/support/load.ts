/** @file Loads specs from texts. */
import { type LoadResult, loadSpec } from "../../compiler/1-load/load-spec.js";
import type { ResolvedSpec } from "../../compiler/1-load/resolved-spec.js";
import { renderText } from "../../compiler/diagnostics/render.js";

export interface LoadTextOptions {
  /** Other files beside the spec, by path from its folder. */
  readonly files?: Readonly<Record<string, string>>;
  readonly set?: Readonly<Record<string, string>>;
}

const folder = "/project/";

export function loadText(
  text: string | Uint8Array,
  { files = {}, set = {} }: LoadTextOptions = {},
): LoadResult {
  const known: Record<string, string | Uint8Array> = { "spec.yaml": text, ...files };
  const read = (path: string): string | Uint8Array => {
    const content = known[path.slice(folder.length)];
    if (content === undefined) throw Object.assign(new Error(path), { code: "ENOENT" });
    return content;
  };
  return loadSpec(`${folder}spec.yaml`, { set, read });
}

/** The resolved spec; fails with the report where there is none. */
export function resolveText(text: string, options?: LoadTextOptions): ResolvedSpec {
  const { spec, diagnostics, sources } = loadText(text, options);
  if (spec === null) throw new Error(renderText(diagnostics.all, sources));
  return spec;
}

export const codesOf = ({ diagnostics }: LoadResult): string[] =>
  diagnostics.all.map(({ code }) => code);

const defaults = {
  data: "data: { source: { arrays: true }, features: { x: { type: vector, shape: [4] } }, targets: { y: { type: category, classes: [a, b] } } }",
  model: "model: { layers: [dense: 2] }",
  train: "train: { loss: cross_entropy }",
};

/** A spec with the given sections, and sound ones in place of the others. */
export function specWith(
  sections: Partial<typeof defaults> & { readonly more?: string } = {},
): string {
  const { data, model, train } = { ...defaults, ...sections };
  return ["dlc: 1", "name: example", sections.more ?? "", data, model, train, ""].join("\n");
}
