/** @file Hashes that tie packages, checkpoints and specs together. */
import { createHash } from "node:crypto";
import type { StateSpec } from "@dlc/runtime";
import type { CompiledModel } from "../compiled-model.js";

export const sha256 = (text: string | Uint8Array): string =>
  createHash("sha256").update(text).digest("hex");

export interface Hashes {
  /** Over the resolved spec. */
  readonly spec: string;
  /** Over names, shapes and dtypes of the state: what a checkpoint must match. */
  readonly state: string;
}

const stateText = (state: Readonly<Record<string, StateSpec>>): string =>
  JSON.stringify(
    Object.entries(state)
      .map(([name, { dtype, shape }]) => [name, dtype, shape] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

export const hashesOf = (model: CompiledModel): Hashes => ({
  spec: sha256(model.spec.canonical),
  state: sha256(stateText(model.state)),
});
