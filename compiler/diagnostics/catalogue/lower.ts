/** @file Diagnostics of lowering and differentiation: shapes, losses, gradients. */
import type { CatalogueEntry } from "../diagnostic.js";

export const lowerEntries = {
  "shape-mismatch": {
    severity: "error",
    message: "{layer}: {reason}",
    help: "Follow the trail of shapes below to the layer that gives a shape you did not expect.",
    explain:
      "A layer got an input whose shape it cannot work on. Shapes are followed through the whole model before anything runs; the trail shows how the input came about.",
  },
} as const satisfies Record<string, CatalogueEntry>;
