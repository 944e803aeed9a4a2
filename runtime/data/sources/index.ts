/** @file All readers. */
import type { SourceSpec } from "../../spec.js";
import type { Header, Table } from "../table.js";
import { arrays } from "./arrays.js";
import { cifar } from "./cifar.js";
import { csv } from "./csv.js";
import { idx } from "./idx.js";
import { images } from "./images.js";
import { json } from "./json.js";
import { jsonByClass } from "./json-by-class.js";
import { npy } from "./npy.js";
import type { ReadContext, SourceReader } from "./source.js";
import { text } from "./text.js";

const readers: { readonly [K in SourceSpec["kind"]]: SourceReader<K> } = {
  idx,
  csv,
  npy,
  cifar,
  images,
  json,
  json_by_class: jsonByClass,
  text,
  arrays,
};

function readerOf<S extends SourceSpec>(source: S): SourceReader<S["kind"]> {
  return readers[source.kind] as unknown as SourceReader<S["kind"]>;
}

export function sourceName(source: SourceSpec): string {
  return readerOf(source).name(source as never);
}

export function readSource(source: SourceSpec, context: ReadContext): Promise<Table> {
  return readerOf(source).read(source as never, context);
}

export function describeSource(
  source: SourceSpec,
  context: ReadContext,
  report: (error: unknown) => void,
): Promise<Header> {
  return readerOf(source).describe(source as never, context, report);
}
