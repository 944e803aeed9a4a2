/** @file Diagnostics of choosing and starting an engine. */
import type { CatalogueEntry } from "../diagnostic.js";

export const engineEntries = {
  "engine-missing": {
    severity: "error",
    message: "the engine cannot be used: {reason}",
    help: "Run `dlc doctor`: it tries every engine and names the command that mends it.",
    explain:
      "An engine executes the programs of a model. The one that was asked for is not known, has no such device, or its native library does not load on this machine (for example because node_modules was copied from another platform). Exit code 5.",
  },
  "threads-invalid": {
    severity: "error",
    message: "threads must be a whole number from 1, not {threads}",
    help: "Leave it out to use every core that is available.",
    explain:
      "The number of threads is how many cores one operation may use. The same seed gives the same weights on the same number of threads.",
  },
} as const satisfies Record<string, CatalogueEntry>;
