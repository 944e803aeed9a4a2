/** @file The model of a generated package in a browser. */
import { createModelOn } from "../model/create-model-on.js";
import type { Platform } from "../model/platform.js";
import type { Model, ModelOptions, ModelTypes } from "../model/types.js";
import type { ModelDefinition } from "../spec.js";
import { createPagePlatform, storageOf } from "./platform.js";

let platform: Platform | null = null;

/** As in Node: see ../model/create-model.ts. */
export function createModel<T extends ModelTypes = ModelTypes>(
  definition: ModelDefinition,
  options: ModelOptions = {},
): Promise<Model<T>> {
  // One for the whole page: without IndexedDB it holds the runs.
  platform ??= createPagePlatform(storageOf(globalThis as object));
  return createModelOn<T>(platform, definition, options);
}
