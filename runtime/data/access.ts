/** @file What opening data needs of its surroundings: Node has files and threads, a page has neither. */
import type { SourceSpec } from "../spec.js";
import type { Pictures } from "./pictures.js";
import type { ReadContext } from "./sources/source.js";
import type { Table } from "./table.js";
import type { BatchWorker } from "./worker-client.js";

export interface DataAccess {
  readonly pictures: Pictures;
  /** What messages call a source. */
  sourceName(source: SourceSpec): string;
  /** All rows of a source. */
  readSource(source: SourceSpec, context: ReadContext): Promise<Table>;
  /** A thread that assembles batches; null where there can be none. */
  startWorker(): BatchWorker | null;
}
