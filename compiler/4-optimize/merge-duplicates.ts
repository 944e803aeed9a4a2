/** @file Computes equal things once, and nothing that no result needs. */
import { nodesOf } from "../ir/traverse.js";
import { definePass } from "./define-pass.js";
import { rebuild } from "./rebuild.js";

export const mergeDuplicates = definePass({
  name: "merge-duplicates",
  why: "Gradients recompute what the forward pass has; the builder makes equal nodes one.",
  run: (graph) => {
    const result = rebuild(graph);
    return {
      graph: result,
      counts: { "nodes dropped": nodesOf(graph).length - nodesOf(result).length },
    };
  },
});
