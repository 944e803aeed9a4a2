/** @file Public surface of the runtime: what generated packages and the compiler import. */

export { isFloat } from "./checkpoint/foreign/elements.js";
export {
  factsOfWeights,
  locateWeights,
  readWeightsHeader,
  type WeightsFile,
} from "./checkpoint/foreign/weights-file.js";
export { loadWeights, saveWeights } from "./checkpoint/load-weights.js";
export type {
  SafetensorsHeader,
  TensorEntry as WeightsEntry,
} from "./checkpoint/safetensors-header.js";
export type { LoadedWeights } from "./checkpoint/weights.js";
export type { CanvasPixels } from "./data/canvas-pixels.js";
export {
  type ArrayColumn,
  type ArrayColumns,
  type Batch,
  type Batches,
  type BatchOptions,
  batchSource,
  type ColumnGuess,
  checkData,
  createBatches,
  DataError,
  type DataProblem,
  type Dataset,
  dataCodes,
  type EncodeOptions,
  encodeInputs,
  factProblems,
  fitFacts,
  type InputRow,
  inspectSource,
  needsFacts,
  type OpenOptions,
  openData,
  placedCsvRows,
  problemOf,
  readCsvRows,
  type SourceGuess,
  type SplitArrays,
  type SplitName,
} from "./data/index.js";
export type { DeviceState, Engine, Executable } from "./engine.js";
export {
  type Availability,
  createEngine,
  type EngineEntry,
  type EngineOptions,
  engineDevices,
  engineEntries,
  engineLacks,
  type Probe,
  type ToRecord,
} from "./engines/index.js";
export { DlcError, type ExitReason, exitCodes } from "./errors.js";
export {
  halfFormats,
  hostType,
  isHalf,
  type MixedPrecision,
  mixedPrecisions,
  roundToHalf,
} from "./half.js";
export { initialState } from "./init.js";
export {
  contactSheet,
  isDrawable,
  type SheetImage,
  type SheetOptions,
} from "./model/contact-sheet.js";
export { createModel } from "./model/create-model.js";
export type { ExampleData } from "./model/data.js";
export { searchLimits } from "./model/generate/limits.js";
export {
  type BinaryOutput,
  type CategoryInput,
  type CategoryOutput,
  type ExampleColumns,
  type GeneratedText,
  type ImageInput,
  type NumberInput,
  type NumberOutput,
  type Repeat,
  type SequenceInput,
  type ShapedArray,
  shaped,
  type TensorOutput,
  type TextInput,
  type TextOutput,
  type TokensOutput,
  type VectorInput,
} from "./model/inputs.js";
export type {
  EvaluationResult,
  GenerateOptions,
  Model,
  ModelEvaluateOptions,
  ModelOptions,
  ModelTrainOptions,
  ModelTypes,
  SequenceOptions,
  WeightsSource,
} from "./model/types.js";
export type * from "./ops.js";
export { halfOps, heavyOps } from "./ops.js";
export type {
  InitSpec,
  Program,
  ProgramArguments,
  ProgramDim,
  ProgramResults,
  Scalars,
  StateSpec,
  TensorSpec,
} from "./program.js";
export * as random from "./random.js";
export type * from "./spec.js";
export { sequenceInputs, specialTokenNames, specialTokens } from "./spec.js";
export {
  allocate,
  bytesPerElement,
  type DType,
  type ElementType,
  type HalfType,
  type HostArray,
  type HostTensor,
  scalar,
  sizeOf,
  zeros,
} from "./tensor.js";
export type { EpochRecord, MetricValues, TrainEvent, TrainResult } from "./trainer/events.js";
export { type MetricUse, metricUses } from "./trainer/metrics/index.js";
export { createProgress, type ProgressOptions, type ProgressStream } from "./trainer/progress.js";
export { train } from "./trainer/run-folder.js";
export type { BatchSource, TrainingData } from "./trainer/source.js";
export type { Trained, TrainOptions } from "./trainer/train.js";
