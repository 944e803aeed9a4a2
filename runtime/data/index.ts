/** @file Public surface of the data pipeline. */
export { type Batch, type Batches, type BatchOptions, createBatches } from "./batches.js";
export {
  Dataset,
  type EncodedTable,
  type OpenOptions,
  openData,
  type Split,
  type SplitArrays,
  type SplitName,
} from "./dataset.js";
export { type DataCode, DataError, dataCodes } from "./errors.js";
export { fitFacts, needsFacts } from "./facts.js";
export type { ArrayColumn, ArrayColumns } from "./sources/arrays.js";
