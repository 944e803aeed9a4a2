/** @file Diagnostics of the load stage. */
import type { CatalogueEntry } from "../diagnostic.js";

export const loadEntries = {} as const satisfies Record<string, CatalogueEntry>;
