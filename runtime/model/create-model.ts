/** @file The model of a generated package in Node: runs are folders, data and weights are files. */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { startingPoint } from "../checkpoint/foreign/initial.js";
import { loadWeights, saveWeightsFile } from "../checkpoint/load-weights.js";
import { nodeAccess } from "../data/node-access.js";
import { createEngine } from "../engines/index.js";
import type { ModelDefinition } from "../spec.js";
import { runFolders } from "../trainer/run-folder.js";
import { createModelOn } from "./create-model-on.js";
import type { Platform } from "./platform.js";
import type { Model, ModelOptions, ModelTypes } from "./types.js";

const node: Platform = {
  createEngine,
  baseOf: (base = ".") => resolve(base instanceof URL ? fileURLToPath(base) : base),
  data: nodeAccess,
  loadWeights,
  saveBytes: saveWeightsFile,
  training: { runs: runFolders },
  runOf: (run) => resolve(run),
  startingPoint,
};

/**
 * Makes a model of a definition: creates the engine and, if asked, loads weights. The type parameter
 * is what the generated package declares. Dispose of the model when done.
 */
export const createModel = <T extends ModelTypes = ModelTypes>(
  definition: ModelDefinition,
  options: ModelOptions = {},
): Promise<Model<T>> => createModelOn<T>(node, definition, options);
