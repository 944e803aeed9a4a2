/** @file The engines of a page. */
import type { Engine } from "../engine.js";
import type { EngineEntry } from "./entry.js";
import { type EngineOptions, startEngine } from "./select.js";
import { tfjsEntry } from "./tfjs/entry.js";

export const browserEntries: readonly EngineEntry[] = [tfjsEntry("browser")];

/** What "auto" prefers, best first. */
const browserOrder: readonly string[] = ["tfjs:webgpu", "tfjs:webgl", "tfjs:cpu"];

/** Starts an engine of those there are in a page: see `startEngine`. */
export const createBrowserEngine = (
  options: EngineOptions = {},
): Promise<{ engine: Engine; why: string }> => startEngine(browserEntries, options, browserOrder);
