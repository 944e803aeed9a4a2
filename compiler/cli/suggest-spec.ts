/** @file A spec for data that dlc has looked at: features, target, a network of fitting size. */
import { type ColumnGuess, inspectSource, type SourceGuess } from "@dlc/runtime";
import { DlcError } from "@dlc/runtime/errors";
import { suggest } from "../diagnostics/suggest.js";

export interface SuggestOptions {
  /** The data, absolute. */
  readonly data: string;
  /** Where the spec will stand, absolute. */
  readonly folder: string;
  /** The wished name; made to fit what names may be. */
  readonly name: string;
  readonly target: string | undefined;
}

/** JSON is YAML: every value and name of the data is written as a JSON string where it could mislead. */
const plain = /^[A-Za-z_][\w -]*$/;
const words = new Set(["true", "false", "null", "yes", "no", "on", "off", "y", "n"]);
const scalar = (value: string): string =>
  plain.test(value) && value.trim() === value && !words.has(value.toLowerCase())
    ? value
    : JSON.stringify(value);
/** A relative path of ordinary names needs no quotes. */
const path = (value: string): string =>
  /^(\.{0,2}\/)*[A-Za-z_][\w-]*([./]+[\w-]+)*$/.test(value) && !words.has(value.toLowerCase())
    ? value
    : JSON.stringify(value);
const flow = (values: readonly string[]): string => `[${values.map(scalar).join(", ")}]`;

/** A name that a feature may have: letters, digits and underscores. */
function identifier(column: string, taken: Set<string>): string {
  const base = column
    .replace(/[^A-Za-z0-9_]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .replace(/^(\d)/, "_$1")
    .toLowerCase();
  const start = base === "" ? "column" : base;
  let name = start;
  for (let i = 2; taken.has(name); i++) name = `${start}_${i}`;
  taken.add(name);
  return name;
}

const specName = (name: string): string => {
  const fitting = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "")
    .slice(0, 64);
  return fitting === "" ? "model" : fitting;
};

function sourceLines({ source }: SourceGuess): string[] {
  switch (source.kind) {
    case "csv":
      return source.delimiter === ","
        ? [`  source: { csv: ${path(source.path)} }`]
        : [
            `  source: { csv: { path: ${path(source.path)}, delimiter: ${JSON.stringify(source.delimiter)} } }`,
          ];
    case "images":
      return [`  source: { images: ${path(source.path)} }`];
    case "idx":
    case "npy":
      return [
        "  source:",
        `    ${source.kind}:`,
        ...Object.entries(source.files).map(
          ([column, file]) => `      ${scalar(column)}: ${path(file)}`,
        ),
      ];
    default:
      throw new Error(`no spec is suggested for a source of kind ${source.kind}`);
  }
}

/** One line under features or targets. */
function featureLine(column: ColumnGuess, name: string, isTarget: boolean): string {
  const from = name === column.name ? "" : `, column: ${scalar(column.name)}`;
  const scale = isTarget ? "" : ", scale: standard";
  switch (column.type) {
    case "image":
      return `    ${name}: { type: image, shape: [${column.shape?.join(", ")}], scale: unit${from} }`;
    case "number":
      return `    ${name}: { type: number${scale}${from} }`;
    case "vector": {
      const columns = `, columns: [${scalar(column.name)}]`;
      return `    ${name}: { type: vector, shape: [${column.shape?.join(", ")}]${scale}${columns} }`;
    }
    case "category": {
      const encode = isTarget ? "" : ", encode: one_hot";
      const classes = column.classes === undefined ? "" : `, classes: ${flow(column.classes)}`;
      return `    ${name}: { type: category${encode}${classes}${from} }`;
    }
    case "text":
      return `    ${name}: { type: text, tokens: word, lowercase: true${from} }`;
  }
}

function layersFor(features: readonly ColumnGuess[], outputs: number): string[] {
  if (features.some(({ type }) => type === "text")) {
    return [
      "    - embedding: 32",
      "    - lstm: { units: 64, bidirectional: true }",
      "    - dropout: 0.3",
      `    - dense: ${outputs}`,
    ];
  }
  const image = features.find(({ type }) => type === "image");
  if (image === undefined) {
    return [
      "    - dense: { units: 64, activation: relu }",
      "    - dense: { units: 32, activation: relu }",
      `    - dense: ${outputs}`,
    ];
  }
  const [height = 1, width = 1] = image.shape ?? [];
  const stages: string[] = [];
  for (let side = Math.min(height, width), filters = 32; side >= 8 && filters <= 128; ) {
    stages.push(
      `    - conv2d: { filters: ${filters}, kernel: 3, padding: same, activation: relu }`,
      "    - max_pool2d: 2",
    );
    side = Math.floor(side / 2);
    filters *= 2;
  }
  return [...stages, "    - global_avg_pool2d", "    - dropout: 0.2", `    - dense: ${outputs}`];
}

function chooseTarget(
  { columns, target, source }: SourceGuess,
  wished: string | undefined,
): ColumnGuess {
  const name = wished ?? target ?? columns.at(-1)?.name;
  const found = columns.find((column) => column.name === name);
  if (found !== undefined && (found.type === "category" || found.type === "number")) return found;
  const usable = columns.flatMap(({ name: usableName, type }) =>
    type === "category" || type === "number" ? [usableName] : [],
  );
  const near = name === undefined ? null : suggest(name, usable);
  const help =
    usable.length === 0
      ? "Name data that have a category or a number too: for IDX the folder with images and labels."
      : `${near === null ? "" : `Did you mean '${near.word}'? `}Choose a column with --target: ${usable.join(", ")}.`;
  throw new DlcError(
    "no-target",
    `'${name ?? ""}' cannot be predicted from this ${source.kind} source`,
    { help, reason: "usage" },
  );
}

/**
 * Why a column is no feature of a suggested spec; null if it is one. A text is read only where there
 * is nothing else: layers for numbers do not suit it.
 */
function reasonAgainst(
  { type, missing = 0 }: ColumnGuess,
  others: readonly ColumnGuess[],
): string | null {
  if (type === "text" && others.length > 1) return "free text";
  return missing > 0 ? `${missing} ${missing === 1 ? "row has" : "rows have"} no value` : null;
}

/**
 * Text of a spec for the data at a path, without the editor's modeline.
 * @throws DlcError for data that cannot be read, `no-target` and `no-features`.
 */
export async function specFor(options: SuggestOptions): Promise<string> {
  const guess = await inspectSource(options.data, options.folder);
  const target = chooseTarget(guess, options.target);
  const others = guess.columns.filter((column) => column !== target);
  const features = others.filter((column) => reasonAgainst(column, others) === null);
  if (features.length === 0) {
    throw new DlcError("no-features", `nothing is left to predict '${target.name}' from`, {
      place: options.data,
      help: "Fill missing values, or name other data.",
    });
  }
  const skipped = others.flatMap((column) => {
    const reason = reasonAgainst(column, others);
    return reason === null ? [] : [`  # not used (${reason}): ${JSON.stringify(column.name)}\n`];
  });
  const taken = new Set<string>();
  const lineOf = (column: ColumnGuess, isTarget: boolean): string =>
    featureLine(column, identifier(column.name, taken), isTarget);
  const targetLine = lineOf(target, true);
  const featureLines = features.map((column) => lineOf(column, false));
  const isCategory = target.type === "category";
  const outputs = isCategory ? Math.max(2, target.classes?.length ?? 2) : 1;
  const large = (guess.rows ?? Number.POSITIVE_INFINITY) > 10_000;
  return `dlc: 1
name: ${scalar(specName(options.name))}

data:
${sourceLines(guess).join("\n")}
  split: { validation: 0.1, test: 0.1 }
${skipped.join("")}  features:
${featureLines.join("\n")}
  targets:
${targetLine}

model:
  layers:
${layersFor(features, outputs).join("\n")}

train:
  loss: ${isCategory ? "cross_entropy" : "mse"}
  optimizer: adam
  batch: ${large ? 64 : 32}
  epochs: ${large ? 10 : 30}
  metrics: ${isCategory ? "[accuracy]" : "[mae, r2]"}
`;
}
