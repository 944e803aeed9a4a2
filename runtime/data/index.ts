/** @file Public surface of the data pipeline. */
export {
  type Batch,
  type Batches,
  type BatchOptions,
  batchSource,
  createBatches,
} from "./batches.js";
export { checkData, type DataProblem, problemOf } from "./check.js";
export { factProblems, splitProblems } from "./class-rows.js";
export { placedCsvRows, readCsvRows } from "./csv-rows.js";
export {
  Dataset,
  type EncodedTable,
  type OpenOptions,
  type Split,
  type SplitArrays,
  type SplitName,
} from "./dataset.js";
export type { EncodeOptions, InputRow } from "./encode-inputs.js";
export { type DataCode, DataError, dataCodes } from "./errors.js";
export { fitFacts, needsFacts } from "./facts.js";
export { fingerprint } from "./fingerprint.js";
export { type ColumnGuess, inspectSource, type SourceGuess } from "./inspect.js";
export { encodeInputs, openData } from "./node-access.js";
export type { ArrayColumn, ArrayColumns } from "./sources/arrays.js";
