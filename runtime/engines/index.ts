/** @file The engines there are. How one is chosen: select.ts. */
import type { Engine } from "../engine.js";
import type { OpKind } from "../ops.js";
import type { EngineEntry } from "./entry.js";
import { onnxEntry } from "./onnx/entry.js";
import { type EngineOptions, startEngine } from "./select.js";
import { tensorflowEntry } from "./tensorflow/entry.js";
import { tfjsEntry } from "./tfjs/entry.js";

export type { Availability, EngineEntry, Probe, ToRecord } from "./entry.js";
export type { EngineOptions } from "./select.js";

export const engineEntries: readonly EngineEntry[] = [
  tensorflowEntry,
  onnxEntry,
  tfjsEntry("node"),
];

/** Ops that each engine leaves to the compiler's expansions. */
export const engineLacks: Readonly<Record<string, readonly OpKind[]>> = Object.fromEntries(
  engineEntries.map(({ name, lacks }) => [name, lacks]),
);

/** Engines with their devices, best first: what `engine` and `device` may name besides "auto". */
export const engineDevices: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  engineEntries.map(({ name, devices }) => [name, devices]),
);

/** Starts an engine of those there are: see `startEngine`. */
export const createEngine = (
  options: EngineOptions = {},
): Promise<{ engine: Engine; why: string }> => startEngine(engineEntries, options);
