/** @file Texts and sequences without `max_length` get that of the longest in the source. */
import type { DataSpec, FeatureSpec, FittedFacts } from "@dlc/runtime";
import type { ResolvedSpec } from "./1-load/resolved-spec.js";

type Features = DataSpec["features"];

/** The spec with the lengths that the data have told; the same spec if it asked for none. */
export function settleLengths(spec: ResolvedSpec, facts: FittedFacts): ResolvedSpec {
  const { data } = spec;
  if (data === null) return spec;
  const settled = new Map<string, number>();
  const settle = (features: Features, group: "features" | "targets"): Features =>
    Object.fromEntries(
      Object.entries(features).map(([name, feature]): [string, FeatureSpec] => {
        const length = facts[name]?.length;
        if (!("length" in feature) || feature.length > 0 || length === undefined) {
          return [name, feature];
        }
        const end = feature.type === "text" && feature.end ? 1 : 0;
        settled.set(`data.${group}.${name}.max_length`, length - end);
        return [name, { ...feature, length }];
      }),
    );
  const features = settle(data.features, "features");
  const targets = settle(data.targets, "targets");
  if (settled.size === 0) return spec;
  const origins = spec.origins.map((origin) => {
    const value = origin.from === "default" ? settled.get(origin.path) : undefined;
    return value === undefined ? origin : { ...origin, value };
  });
  return { ...spec, data: { ...data, features, targets }, origins };
}
