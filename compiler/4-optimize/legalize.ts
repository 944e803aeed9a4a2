/** @file Expresses ops that the target lacks by simpler ones, as their op files say. */
import type { OpKind } from "@dlc/runtime";
import { bug } from "../ir/bug.js";
import { nodesOf } from "../ir/traverse.js";
import type { Node, Value } from "../ir/types.js";
import type { AnyOpDef, Inputs } from "../ops/define-op.js";
import { ops } from "../ops/index.js";
import { definePass } from "./define-pass.js";
import { rebuild } from "./rebuild.js";

export const legalize = definePass({
  name: "legalize",
  why: "Targets implement the ops that they have kernels for; the others have expansions.",
  run: (graph, { lacking }) => {
    const missing: ReadonlySet<string> = new Set(lacking);
    const counts: Record<string, number> = {};
    const open = new Set<Node>();
    const result = rebuild(graph, undefined, {
      // Asked about the expansion's nodes too: an expansion may use ops that are missing as well.
      replace: (node, b) => {
        if (!missing.has(node.kind)) return null;
        const definition: AnyOpDef = ops[node.kind as OpKind];
        if (definition.expand === undefined) {
          return bug("is missing from the target and has no expansion", node);
        }
        if (open.has(node)) bug("is missing from the target, and its expansion needs it", node);
        counts[node.kind] = (counts[node.kind] ?? 0) + 1;
        open.add(node);
        const inputs = node.inputs as unknown as Inputs<Value>;
        const values = definition.expand(b, inputs, node.attrs, node.optional);
        open.delete(node);
        return values;
      },
    });
    const left = nodesOf(result).find((node) => missing.has(node.kind));
    if (left !== undefined) bug("is still there after its expansion", left);
    return { graph: result, counts };
  },
});
