/**
 * @file The catalogue: every code a user can meet, one entry each, by the stage that reports it.
 */
import type { CatalogueEntry } from "../diagnostic.js";
import { dataEntries } from "./data.js";
import { emitEntries } from "./emit.js";
import { loadEntries } from "./load.js";
import { lowerEntries } from "./lower.js";
import { runEntries } from "./run.js";

export const catalogue = {
  ...loadEntries,
  ...lowerEntries,
  ...dataEntries,
  ...emitEntries,
  ...runEntries,
} as const satisfies Record<string, CatalogueEntry>;

export type Code = keyof typeof catalogue;
