/** @file Public surface of the runtime: what generated packages and the compiler import. */
export type { DeviceState, Engine, Executable } from "./engine.js";
export {
  createEngine,
  type EngineOptions,
  engineDevices,
  engineLacks,
} from "./engines/index.js";
export { DlcError, type ExitReason, exitCodes } from "./errors.js";
export type * from "./ops.js";
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
export {
  allocate,
  bytesPerElement,
  type DType,
  type HostArray,
  type HostTensor,
  scalar,
  sizeOf,
  zeros,
} from "./tensor.js";
