/**
 * @file The catalogue: every code a user can meet, one entry each, by the stage that reports it.
 */
import type { CatalogueEntry } from "../diagnostic.js";
import { cliEntries } from "./cli.js";
import { dataEntries } from "./data.js";
import { emitEntries } from "./emit.js";
import { engineEntries } from "./engine.js";
import { initEntries } from "./init.js";
import { loadEntries } from "./load.js";
import { lowerEntries } from "./lower.js";
import { runEntries } from "./run.js";
import { setupEntries } from "./setup.js";

export const catalogue = {
  ...loadEntries,
  ...lowerEntries,
  ...initEntries,
  ...dataEntries,
  ...emitEntries,
  ...engineEntries,
  ...runEntries,
  ...cliEntries,
  ...setupEntries,
} as const satisfies Record<string, CatalogueEntry>;

export type Code = keyof typeof catalogue;
