/** @file The engines of a page. How one is chosen: select.ts. */
import type { Engine } from "../engine.js";
import type { EngineEntry } from "./entry.js";
import { onnxBrowserEntry } from "./onnx/entry-browser.js";
import { type EngineOptions, startEngine } from "./select.js";
import { tfjsEntry } from "./tfjs/entry.js";

export const browserEntries: readonly EngineEntry[] = [onnxBrowserEntry, tfjsEntry("browser")];

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
