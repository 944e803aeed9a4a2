/** @file Diagnostics of the run stage. */
import type { CatalogueEntry } from "../diagnostic.js";

export const runEntries = {
  "engine-missing": {
    severity: "error",
    message: "there is no {what}; there is {known}",
    help: "Name one of those, or leave the choice to dlc with `auto`.",
    explain:
      "An engine executes programs on a device: onnx on cpu. The engine or device that was asked for does not exist or its native library does not load on this machine. dlc never falls back to another one silently.",
  },
  "threads-invalid": {
    severity: "error",
    message: "threads must be a whole number from 1, not {value}",
    help: "Leave it out to use every core that is available.",
    explain:
      "The number of threads that one operation may use. Results are reproducible for the same number of threads.",
  },
} as const satisfies Record<string, CatalogueEntry>;
