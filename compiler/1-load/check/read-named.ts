/** @file Reads `name`, `name: value` and `name: {fields}`: losses, optimisers, schedules, sources, metrics, layers. */
import { didYouMean } from "../../diagnostics/fixes.js";
import type { Span } from "../../ir/origin.js";
import { headOf, type LoadContext } from "../context.js";
import type { Choice, Fields, Shape } from "../schema/shape.js";
import { describeNode, isPoisoned, type YamlNode } from "../yaml/tree.js";
import { type Checked, checkShape, isLiteral, type Owner } from "./check-shape.js";

export interface Named {
  readonly name: string;
  readonly nameSpan: Span;
  readonly node: YamlNode;
  readonly checked: Checked<Fields>;
}

interface NameAndBody {
  readonly name: string;
  readonly nameSpan: Span;
  readonly literal: boolean;
  readonly body: YamlNode | null;
}

/**
 * Null after a diagnostic where it is none of the choice's forms. `title` names the result in
 * messages, given the chosen name: "loss mse".
 */
export function readNamed(
  node: YamlNode,
  choice: Choice,
  title: (name: string) => string,
  path: string,
  context: LoadContext,
): Named | null {
  if (node.kind === "scalar" && isPoisoned(node)) return null;
  const found = nameAndBody(node);
  if (found === null) {
    context.diagnostics.report("wrong-form", headOf(node.span, context.sources), {
      what: choice.what,
      given: describeGiven(node),
      form: "written as a name or as { name: settings }",
      about: `Names: ${[...choice.shapes.keys()].join(", ")}.`,
    });
    return null;
  }
  const shape = choice.shapes.get(found.name);
  if (shape === undefined) {
    reportUnknownName(found, choice, context);
    return null;
  }
  const owner: Owner = {
    title: title(found.name),
    span: found.nameSpan,
    path: `${path}.${found.name}`,
  };
  const checked = readBody(found.body, shape, owner, context);
  return checked === null ? null : { name: found.name, nameSpan: found.nameSpan, node, checked };
}

function nameAndBody(node: YamlNode): NameAndBody | null {
  if (node.kind === "scalar" && typeof node.value === "string") {
    return { name: node.value, nameSpan: node.span, literal: isLiteral(node), body: null };
  }
  if (node.kind !== "map" || node.entries.size !== 1) return null;
  const [entry] = node.entries.values();
  if (entry === undefined) return null;
  return { name: entry.key, nameSpan: entry.keySpan, literal: true, body: entry.value };
}

function describeGiven(node: YamlNode): string {
  if (node.kind !== "map" || node.entries.size === 0) return describeNode(node);
  return `a map with the keys ${[...node.entries.keys()].slice(0, 8).join(", ")}`;
}

function reportUnknownName(found: NameAndBody, choice: Choice, context: LoadContext): void {
  const names = [...choice.shapes.keys()];
  context.diagnostics.report(
    "unknown-name",
    headOf(found.nameSpan, context.sources),
    { name: found.name, what: choice.what, known: names.join(", ") },
    didYouMean(found.name, names, found.nameSpan, found.literal),
  );
}

/** The part after the name: nothing, a map of fields, or the primary field's value. */
export function readBody(
  body: YamlNode | null,
  shape: Shape,
  owner: Owner,
  context: LoadContext,
): Checked<Fields> | null {
  if (body !== null && body.kind === "scalar" && isPoisoned(body)) return null;
  if (body === null || (body.kind === "scalar" && body.value === null)) {
    return checkShape(null, shape, owner, context);
  }
  if (body.kind === "map") return checkShape(body, shape, owner, context);
  if (shape.primary !== null) return checkShape(null, shape, owner, context, body);
  const keys = Object.keys(shape.fields);
  context.diagnostics.report("takes-no-value", headOf(body.span, context.sources), {
    owner: owner.title,
    given: describeNode(body),
    remedy:
      keys.length === 0
        ? `Write only '${shape.name}'.`
        : `Name the setting: ${shape.name}: { ${keys[0]}: … }. Its keys: ${keys.join(", ")}.`,
  });
  return null;
}
