/** @file Opening the data of a spec: sources read, rows split, features encoded. */
import type { DataSpec, FeatureSpec, FittedFacts, SourceSpec } from "../spec.js";
import type { DataAccess } from "./access.js";
import { type Encoded, encodeFeature, wantsOf } from "./features.js";
import type { ArrayColumns } from "./sources/arrays.js";
import { type Parts, type SplitName, splitRows } from "./split.js";
import type { Table } from "./table.js";
import type { BatchWorker } from "./worker-client.js";

export type { SplitName } from "./split.js";

/** Data in memory, by the split it is for; takes the place of the spec's source of that split. */
export type SplitArrays = Readonly<Partial<Record<SplitName, ArrayColumns>>>;

export interface OpenOptions {
  /** The spec's folder, absolute: paths of sources are relative to it. */
  readonly base: string;
  readonly arrays?: SplitArrays | undefined;
  /** Which splits are needed; sources of the others are not read. Default: all. */
  readonly splits?: readonly SplitName[];
}

/** All rows of one source, ready to be picked into batches. */
export interface EncodedTable {
  readonly columns: Readonly<Record<string, Encoded>>;
}

export interface Split {
  readonly name: SplitName;
  readonly rows: number;
  readonly table: EncodedTable;
  /** Rows of the table, ascending; null: all of them. */
  readonly indices: Uint32Array | null;
}

/** The data of a model, encoded as its programs read them. Close it to end its worker. */
export class Dataset {
  /** null: the spec has no such split, or it was not asked for. */
  readonly splits: Readonly<Record<SplitName, Split | null>>;
  readonly #startWorker: DataAccess["startWorker"];
  #worker: BatchWorker | null = null;

  constructor(
    splits: Readonly<Record<SplitName, Split | null>>,
    startWorker: DataAccess["startWorker"],
  ) {
    this.splits = splits;
    this.#startWorker = startWorker;
  }

  /** The thread that assembles batches, started when first needed; null where there can be none. */
  worker(): BatchWorker | null {
    this.#worker ??= this.#startWorker();
    return this.#worker;
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    await worker?.close();
  }
}

/**
 * Reads, splits and encodes the data of a spec. `facts` provide the classes that the spec does not
 * list. Throws a DlcError at the first mistake in the data.
 */
export async function openDataBy(
  access: DataAccess,
  spec: DataSpec,
  facts: FittedFacts,
  options: OpenOptions,
): Promise<Dataset> {
  const features = allFeatures(spec);
  const needed = new Set<SplitName>(options.splits ?? ["train", "validation", "test"]);
  const splits: Record<SplitName, Split | null> = { train: null, validation: null, test: null };
  const encode = async (source: SourceSpec, table: Table): Promise<EncodedTable> => {
    const columns: Record<string, Encoded> = {};
    const from = { source: access.sourceName(source), pictures: access.pictures };
    for (const [name, feature] of Object.entries(features)) {
      columns[name] = await encodeFeature(name, feature, { ...from, table, facts });
    }
    return { columns };
  };

  const carved = carvedSplits(spec, options.arrays);
  if ([...needed].some((name) => name === "train" || carved.has(name))) {
    const { source, table, parts } = await readMain(access, spec, options);
    const encoded = await encode(source, table);
    for (const name of needed) {
      if (name !== "train" && !carved.has(name)) continue;
      const all = parts[name].length === table.rows;
      splits[name] = {
        name,
        rows: parts[name].length,
        table: encoded,
        indices: all ? null : parts[name],
      };
    }
  }
  for (const name of ["validation", "test"] as const) {
    const source = ownSource(spec, name, options.arrays);
    if (source === null || !needed.has(name)) continue;
    const wants = wantsOf(Object.values(features), []);
    const arrays = options.arrays?.[name];
    const table = await access.readSource(source, { base: options.base, wants, arrays });
    splits[name] = { name, rows: table.rows, table: await encode(source, table), indices: null };
  }
  return new Dataset(splits, access.startWorker);
}

/** Features and targets together: their names never clash. */
export function allFeatures(spec: DataSpec): Readonly<Record<string, FeatureSpec>> {
  return { ...spec.features, ...spec.targets };
}

/** The main source, read and split. */
export async function readMain(
  access: DataAccess,
  spec: DataSpec,
  { base, arrays }: Pick<OpenOptions, "base" | "arrays">,
): Promise<{ source: SourceSpec; table: Table; parts: Parts }> {
  const source: SourceSpec = arrays?.train === undefined ? spec.source : { kind: "arrays" };
  const wants = wantsOf(Object.values(allFeatures(spec)), spec.split.by);
  const table = await access.readSource(source, { base, wants, arrays: arrays?.train });
  return { source, table, parts: splitMain(spec, table, access.sourceName(source), arrays) };
}

/** The rows of the main source, by the split they are for. */
export function splitMain(
  spec: DataSpec,
  table: Table,
  source: string,
  arrays?: SplitArrays,
): Parts {
  const carved = carvedSplits(spec, arrays);
  const split = {
    ...spec.split,
    validation: carved.has("validation") ? spec.split.validation : 0,
    test: carved.has("test") ? spec.split.test : 0,
  };
  return splitRows(table, split, source);
}

/** The source of its own that a held-back split has; null: it is carved from the main source or absent. */
function ownSource(
  spec: DataSpec,
  name: "validation" | "test",
  arrays: SplitArrays | undefined,
): SourceSpec | null {
  return arrays?.[name] === undefined ? spec[name] : { kind: "arrays" };
}

function carvedSplits(spec: DataSpec, arrays: SplitArrays | undefined): ReadonlySet<SplitName> {
  const names = ["validation", "test"] as const;
  return new Set(names.filter((n) => spec.split[n] > 0 && ownSource(spec, n, arrays) === null));
}
