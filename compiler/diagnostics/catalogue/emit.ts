/** @file Diagnostics of the emit stage. */
import type { CatalogueEntry } from "../diagnostic.js";

export const emitEntries = {} as const satisfies Record<string, CatalogueEntry>;
