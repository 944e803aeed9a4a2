/** @file The engines of a page. How one is chosen: select.ts. */
import type { Engine } from "../engine.js";
import type { OpKind } from "../ops.js";
import type { EngineEntry } from "./entry.js";
import { onnxBrowserEntry } from "./onnx/entry-browser.js";
import { type EngineOptions, startEngine } from "./select.js";
import { tfjsEntry } from "./tfjs/entry.js";

export const browserEntries: readonly EngineEntry[] = [onnxBrowserEntry, tfjsEntry("browser")];

/** As in Node: see index.ts. */
export const browserDevices: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  browserEntries.map(({ name, devices }) => [name, devices]),
);
export const browserLacks: Readonly<Record<string, readonly OpKind[]>> = Object.fromEntries(
  browserEntries.map(({ name, lacks }) => [name, lacks]),
);

/** What "auto" prefers, best first: a GPU, one graph before kernel by kernel; then the CPU. */
const browserOrder: readonly string[] = [
  "onnx:webgpu",
  "tfjs:webgpu",
  "tfjs:webgl",
  "onnx:cpu",
  "tfjs:cpu",
];

/** Starts an engine of those there are in a page: see `startEngine`. */
export const createBrowserEngine = (
  options: EngineOptions = {},
): Promise<{ engine: Engine; why: string }> => startEngine(browserEntries, options, browserOrder);
