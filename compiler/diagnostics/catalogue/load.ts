/** @file Diagnostics of the load stage, by what they are about. */
import type { CatalogueEntry } from "../diagnostic.js";
import { dataSectionEntries } from "./load/data.js";
import { fileEntries } from "./load/file.js";
import { tuningEntries } from "./load/init.js";
import { modelEntries } from "./load/model.js";
import { paramEntries } from "./load/params.js";
import { structureEntries } from "./load/structure.js";
import { trainEntries } from "./load/train.js";
import { unreadEntries } from "./load/unread.js";

export const loadEntries = {
  ...fileEntries,
  ...structureEntries,
  ...paramEntries,
  ...modelEntries,
  ...dataSectionEntries,
  ...trainEntries,
  ...tuningEntries,
  ...unreadEntries,
} as const satisfies Record<string, CatalogueEntry>;
