/** @file Completes fragments of specs, as the catalogue's examples are, to whole specs. */
import { parse } from "yaml";

interface Fragment {
  readonly extends?: unknown;
  readonly data?: {
    readonly source?: unknown;
    readonly features?: unknown;
    readonly targets?: unknown;
  };
  readonly model?: unknown;
}

const parts = {
  source: "  source: { arrays: true }",
  features: "  features: { x: { type: vector, shape: [4] } }",
  targets: "  targets: { y: { type: category, classes: [a, b] } }",
};

/**
 * A file with the fragment, and its base that has everything the fragment lacks. Fragments that are
 * not YAML, hold nothing, or extend something themselves stay alone.
 */
export function completeFragment(fragment: string): { spec: string; base: string } {
  let known: Fragment | null = null;
  try {
    known = parse(fragment, { logLevel: "silent" }) as Fragment | null;
  } catch {
    known = {};
  }
  if (known === null || known.extends !== undefined) return { spec: fragment, base: "" };
  const data = Object.entries(parts).flatMap(([key, text]) =>
    known.data?.[key as keyof typeof parts] === undefined ? [text] : [],
  );
  const base = [
    "dlc: 1",
    "name: example",
    ...(data.length === 0 ? [] : ["data:", ...data]),
    ...(known.model === undefined ? ["model: { layers: [dense: 2] }"] : []),
  ];
  return { spec: `extends: base.yaml\n${fragment}\n`, base: `${base.join("\n")}\n` };
}
