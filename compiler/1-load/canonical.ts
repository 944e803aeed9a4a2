/** @file The meaning of a resolved spec as text: what the package's hash is made from. */

/** Places and the like: the same model keeps its hash when the file is edited elsewhere. */
const withoutMeaning: ReadonlySet<string> = new Set(["span", "fieldSpans", "named"]);

/** JSON with sorted keys, without places. Layers and lists keep their order. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (key, inner: unknown) => {
    if (withoutMeaning.has(key)) return undefined;
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
