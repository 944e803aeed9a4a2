/** @file Diagnostics of choosing and starting an engine. */
import type { CatalogueEntry } from "../diagnostic.js";

export const engineEntries = {
  "engine-missing": {
    severity: "error",
    message: "the engine cannot be used: {reason}",
    help: "Run `dlc doctor`: it tries every engine and names the command that mends it.",
    explain:
      "An engine executes the programs of a model on a device. The one that was asked for is not known, has no such device, or cannot be used on this machine: a package is not installed (dlc setup tensorflow installs TensorFlow), there is no GPU or its driver is missing, or a native library does not load (for example because node_modules was copied from another platform). What was asked for by name is never replaced by something else; without a name the best is taken that works. Exit code 5.",
  },
  "threads-invalid": {
    severity: "error",
    message: "threads must be a whole number from 1, not {threads}",
    help: "Leave it out to use every core that is available.",
    explain:
      "The number of threads is how many cores one operation may use. The same seed gives the same weights on the same number of threads.",
  },
} as const satisfies Record<string, CatalogueEntry>;
