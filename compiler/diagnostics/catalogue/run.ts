/** @file Diagnostics of the run stage. */
import type { CatalogueEntry } from "../diagnostic.js";

export const runEntries = {} as const satisfies Record<string, CatalogueEntry>;
