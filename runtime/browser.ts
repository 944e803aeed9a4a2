/** @file Public surface of the runtime in a browser: what of index.ts makes sense in a page. */

export { createModel } from "./browser/create-model.js";
export { DataError, dataCodes } from "./data/errors.js";
export {
  browserDevices as engineDevices,
  browserEntries as engineEntries,
  browserLacks as engineLacks,
  createBrowserEngine as createEngine,
} from "./engines/browser.js";
export { DlcError, exitCodes } from "./errors.js";
export {
  halfFormats,
  hostType,
  isHalf,
  mixedPrecisions,
  roundToHalf,
} from "./half.js";
export { initialState } from "./init.js";
export { searchLimits } from "./model/generate/limits.js";
export { shaped } from "./model/inputs.js";
export { halfOps, heavyOps } from "./ops.js";
export * as random from "./random.js";
export { sequenceInputs, specialTokenNames, specialTokens } from "./spec.js";
export { allocate, bytesPerElement, scalar, sizeOf, zeros } from "./tensor.js";
export { metricUses } from "./trainer/metrics/index.js";
