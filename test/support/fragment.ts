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
export function completeFragment(fragment: string): {
  spec: string;
  base: string;
  /** What data.json holds, where the spec reads it. */
  data?: string;
} {
  let known: Fragment | null = null;
  try {
    known = parse(fragment, { logLevel: "silent" }) as Fragment | null;
  } catch {
    known = {};
  }
  if (known === null || known.extends !== undefined) return { spec: fragment, base: "" };
  const records = textRecords(known);
  const source = records === null ? parts.source : "  source: { json: data.json }";
  const data = Object.entries({ ...parts, source }).flatMap(([key, text]) =>
    known.data?.[key as keyof typeof parts] === undefined ? [text] : [],
  );
  const base = [
    "dlc: 1",
    "name: example",
    ...(data.length === 0 ? [] : ["data:", ...data]),
    ...(known.model === undefined ? ["model: { layers: [dense: 2] }"] : []),
  ];
  const files = { spec: `extends: base.yaml\n${fragment}\n`, base: `${base.join("\n")}\n` };
  return records === null ? files : { ...files, data: JSON.stringify(records) };
}

type Columns = Readonly<Record<string, { readonly type?: unknown } | string>>;

/** Vocabularies come from data, so fragments with texts get some: two rows of every column. */
function textRecords({ data = {} }: Fragment): readonly object[] | null {
  const { features = {}, targets = {} } = data;
  const given = Object.entries({ ...(features as Columns), ...(targets as Columns) });
  const typeOf = (column: Columns[string]): unknown =>
    typeof column === "string" ? column : column.type;
  if (data.source !== undefined || !given.some(([, column]) => typeOf(column) === "text")) {
    return null;
  }
  const values: Readonly<Record<string, unknown>> = { text: "a b c", sequence: [1, 2], number: 1 };
  const columns = given.map(([name, column]) => [name, values[String(typeOf(column))] ?? "a"]);
  return ["a", "b"].map((y) => ({ x: [1, 2, 3, 4], y, ...Object.fromEntries(columns) }));
}
