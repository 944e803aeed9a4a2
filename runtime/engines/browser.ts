/** @file The engines there are in a page. How one is chosen: select.ts. */
import type { EngineEntry } from "./entry.js";
import { onnxBrowserEntry } from "./onnx/entry-browser.js";
import { tfjsEntry } from "./tfjs/entry.js";

export const browserEngineEntries: readonly EngineEntry[] = [
  onnxBrowserEntry,
  tfjsEntry("browser"),
];
