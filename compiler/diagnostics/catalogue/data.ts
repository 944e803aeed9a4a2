/** @file Diagnostics of the data stage. */
import type { CatalogueEntry } from "../diagnostic.js";

export const dataEntries = {} as const satisfies Record<string, CatalogueEntry>;
