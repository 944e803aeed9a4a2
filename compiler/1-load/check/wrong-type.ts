/** @file Something else stands where a map or list is needed. */
import { headOf, type LoadContext } from "../context.js";
import { describeNode, type YamlNode } from "../yaml/tree.js";

interface Expectation {
  /** What is wrong, as messages call it. */
  readonly what: string;
  readonly wanted: string;
  /** A sentence or two on how it is written. */
  readonly about: string;
}

export function reportWrongType(
  context: LoadContext,
  node: YamlNode,
  expectation: Expectation,
): void {
  const span = headOf(node.span, context.sources);
  context.diagnostics.report("wrong-type", span, { ...expectation, given: describeNode(node) });
}
