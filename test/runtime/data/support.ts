/** @file Small data files made on the fly, and specs that read them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect } from "vitest";
import { openData } from "../../../runtime/data/index.js";
import { readSource } from "../../../runtime/data/sources/index.js";
import type { Column, Want } from "../../../runtime/data/table.js";
import { DlcError } from "../../../runtime/errors.js";
import type { DataSpec, FeatureSpec, SourceSpec, SplitSpec } from "../../../runtime/spec.js";

/** A folder for this test file's data, removed afterwards. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "dlc-data-"));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export function put(base: string, name: string, content: string | Uint8Array): string {
  mkdirSync(dirname(join(base, name)), { recursive: true });
  writeFileSync(join(base, name), content);
  return name;
}

/** An IDX file with big-endian numbers. */
export function idxFile(type: number, dims: readonly number[], body: Uint8Array): Buffer {
  const head = Buffer.alloc(4 + 4 * dims.length);
  head.writeUInt8(type, 2);
  head.writeUInt8(dims.length, 3);
  dims.forEach((dim, i) => {
    head.writeUInt32BE(dim, 4 + 4 * i);
  });
  return Buffer.concat([head, body]);
}

/** A .npy file with this header dictionary. */
export function npyFile(dictionary: string, body: Uint8Array, version = 1): Buffer {
  const text = `${dictionary}\n`;
  const head = Buffer.from([0x93, ...Buffer.from("NUMPY"), version, 0]);
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(text.length);
  else length.writeUInt32LE(text.length);
  return Buffer.concat([head, length, Buffer.from(text, "latin1"), body]);
}

export function bytesOf(values: ArrayBufferView): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

export const noSplit: SplitSpec = { validation: 0, test: 0, method: "random", by: [], seed: 0 };

export function dataSpec(source: SourceSpec, parts: Partial<DataSpec> = {}): DataSpec {
  return {
    source,
    validation: null,
    test: null,
    split: noSplit,
    features: {},
    targets: {},
    ...parts,
  };
}

export function csvSource(path: string, delimiter = ","): SourceSpec {
  return { kind: "csv", path, delimiter, header: null };
}

export const feature = {
  number: (column: string, scale: "none" | "standard" | "minmax" = "none"): FeatureSpec => ({
    type: "number",
    column,
    scale,
  }),
  category: (column: string, classes: readonly string[] | null): FeatureSpec => ({
    type: "category",
    column,
    classes,
    encode: "one_hot",
  }),
  image: (
    column: string,
    shape: readonly [number, number, number],
    resize = false,
  ): FeatureSpec => ({ type: "image", column, shape, scale: "unit", resize }),
  vector: (columns: readonly string[], shape: readonly number[]): FeatureSpec => ({
    type: "vector",
    columns,
    shape,
    scale: "none",
  }),
};

/** Reads columns of a source as they are. */
export async function read(
  source: SourceSpec,
  base: string,
  wanted: readonly string[],
  want: Partial<Want> = {},
): Promise<Record<string, Column>> {
  const wants = new Map(wanted.map((name) => [name, { text: false, image: null, ...want }]));
  const table = await readSource(source, { base, wants });
  return Object.fromEntries(table.columns);
}

export function valuesOf(column: Column | undefined): unknown[] {
  if (column === undefined) return [];
  return column.kind !== "numbers" ? [...column.values] : Array.from(column.data);
}

/** The encoded values of one feature of the training split, all rows. */
export async function encoded(spec: DataSpec, base: string, name: string): Promise<number[]> {
  const data = await openData(spec, {}, { base });
  return Array.from(data.splits.train?.table.columns[name]?.data ?? []);
}

/** The DlcError that the promise ends with. Its parts are what users read, so tests name them. */
export async function failure(work: Promise<unknown>): Promise<DlcError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof DlcError) return error;
    throw error;
  }
  return expect.fail("a DlcError was expected");
}
