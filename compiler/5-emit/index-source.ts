/** @file The module `index.ts` of a generated package: the typed API. */
import type { CompiledModel } from "../compiled-model.js";
import { apiTypes } from "./api-types.js";
import { NameScope } from "./name-scope.js";
import { specExports } from "./spec-source.js";
import type { SourceLines } from "./source-lines.js";

export function writeIndex(model: CompiledModel, out: SourceLines): void {
  const scope = NameScope.create([]);
  const types = apiTypes(model, scope);
  void types; void out; void specExports;
}
