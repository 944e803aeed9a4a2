/** @file What a reader provides. */
import type { SourceSpec } from "../../spec.js";
import type { Header, Table, Wants } from "../table.js";
import type { ArrayColumns } from "./arrays.js";

export type SourceOf<K extends SourceSpec["kind"]> = Extract<SourceSpec, { readonly kind: K }>;

export interface ReadContext {
  /** The spec's folder, absolute. */
  readonly base: string;
  /** Columns the features use. */
  readonly wants: Wants;
  /** Told what describing left out. */
  readonly note?: ((message: string) => void) | undefined;
  /** What the caller passed for the source kind "arrays". */
  readonly arrays?: ArrayColumns | undefined;
}

export interface SourceReader<K extends SourceSpec["kind"]> {
  /** How messages call the source. */
  readonly name: (source: SourceOf<K>) => string;
  /** Reads all wanted columns. Mistakes in the data are DataErrors. */
  readonly read: (source: SourceOf<K>, context: ReadContext) => Promise<Table>;
  /**
   * What headers tell, without reading the data: cheap enough for `dlc validate`. Calls `report` for
   * each file at fault and leaves its columns out.
   */
  readonly describe: (
    source: SourceOf<K>,
    context: ReadContext,
    report: (error: unknown) => void,
  ) => Promise<Header>;
}
