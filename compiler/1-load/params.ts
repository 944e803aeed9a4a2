/** @file Parameters: their values (defaults, `with`, `--set`) and their place in the tree. */
import { didYouMean } from "../diagnostics/fixes.js";
import { brief } from "../diagnostics/visible.js";
import type { Span } from "../ir/origin.js";
import type { LoadContext } from "./context.js";
import { ExpressionError, evaluateExpression } from "./expression.js";
import { isName, nameForm } from "./schema/kinds.js";
import { readPlainScalar } from "./yaml/scalar.js";
import {
  describeNode,
  isPoisoned,
  poisoned,
  type YamlEntry,
  type YamlMap,
  type YamlNode,
  type YamlScalar,
} from "./yaml/tree.js";

/** Parameters in reach, innermost first found. Lookups are remembered: unused ones are reported. */
export class Scope {
  readonly #values = new Map<string, YamlScalar>();
  readonly #used = new Set<string>();

  /** `complete` false: parameters may be missing for a mistake that has been reported. */
  constructor(
    readonly outer: Scope | null,
    readonly complete = true,
  ) {}

  define(name: string, value: YamlScalar): void {
    this.#values.set(name, value);
  }

  get(name: string): YamlScalar | undefined {
    const own = this.#values.get(name);
    if (own === undefined) return this.outer?.get(name);
    this.#used.add(name);
    return own;
  }

  get names(): string[] {
    return [...new Set([...this.#values.keys(), ...(this.outer?.names ?? [])])];
  }

  get isComplete(): boolean {
    return this.complete && (this.outer?.isComplete ?? true);
  }

  isUsed(name: string): boolean {
    return this.#used.has(name);
  }
}

/** Is the text one `${…}`? Anything else is text, also where it contains `${`. */
const expressionPattern = /^\s*\$\{([\s\S]*)\}\s*$/;

/** The tree with every `${…}` replaced by its value. */
export function substitute(node: YamlNode, scope: Scope, context: LoadContext): YamlNode {
  if (node.kind === "scalar") return substituteScalar(node, scope, context);
  if (node.kind === "list") {
    return { ...node, items: node.items.map((item) => substitute(item, scope, context)) };
  }
  const entries = new Map<string, YamlEntry>();
  for (const [key, entry] of node.entries) {
    entries.set(key, { ...entry, value: substitute(entry.value, scope, context) });
  }
  return { ...node, entries };
}

function substituteScalar(node: YamlScalar, scope: Scope, context: LoadContext): YamlScalar {
  if (typeof node.value !== "string" || !node.value.includes("${")) return node;
  const inner = expressionPattern.exec(node.value)?.[1];
  if (inner === undefined) return node;
  let source: YamlScalar["source"] = "param";
  // The value is unknown from here on: `poisoned` keeps the checks from a second report.
  const unknown: YamlScalar = { ...node, value: null, source: "param", expression: poisoned };
  let usesUnknown = false;
  let { span } = node;
  try {
    const value = evaluateExpression(inner, (name) => {
      const param = scope.get(name);
      // What a shipped block gets from its user is at fault where the user wrote it.
      const { library } = node.span;
      if (library !== undefined && param?.source === "param") span = { ...param.span, library };
      if (param?.source === "command line") source = "command line";
      usesUnknown ||= param === undefined ? !scope.isComplete : isPoisoned(param);
      return param?.value;
    });
    if (usesUnknown) return unknown;
    return { ...node, value, source, span, expression: node.value.trim() };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    if (!usesUnknown) reportExpression(error, inner, node, scope, context);
    return unknown;
  }
}

function reportExpression(
  error: ExpressionError,
  inner: string,
  node: YamlScalar,
  scope: Scope,
  context: LoadContext,
): void {
  const span = within(node, inner, error.start, error.end, context);
  const expression = brief(`\${${inner}}`);
  if (error.kind === "unknown-param") {
    const known = scope.names;
    context.diagnostics.report(
      "unknown-param",
      span,
      { name: error.word, known: known.length === 0 ? "none" : known.join(", ") },
      didYouMean(error.word, known, span, context.sources.slice(span) === error.word),
    );
  } else if (error.kind === "syntax") {
    context.diagnostics.report("expression-syntax", span, { expression, reason: error.message });
  } else {
    context.diagnostics.report("expression-value", span, { expression, reason: error.message });
  }
}

/** The part of the expression at fault, where the YAML holds it letter by letter; else the scalar. */
function within(
  node: YamlScalar,
  inner: string,
  start: number,
  end: number,
  context: LoadContext,
): Span {
  const at = context.sources.slice(node.span).indexOf(inner);
  if (at < 0 || inner === "") return node.span;
  const from = node.span.start + at;
  return { ...node.span, start: from + start, end: from + Math.min(inner.length + 1, end) };
}

/** Defines the parameters of a spec or block from its `params` map, then what overrides them. */
export function defineParams(
  params: YamlNode | undefined,
  given: ReadonlyMap<string, YamlScalar>,
  scope: Scope,
  owner: string,
  context: LoadContext,
): void {
  for (const entry of entriesOf(params)) {
    const override = given.get(entry.key);
    const value = override ?? defaultOf(entry, scope, owner, context);
    if (value !== null) scope.define(entry.key, value);
  }
}

const entriesOf = (node: YamlNode | undefined): readonly YamlEntry[] =>
  node?.kind === "map" ? [...node.entries.values()] : [];

function defaultOf(
  { key, keySpan, value }: YamlEntry,
  scope: Scope,
  owner: string,
  context: LoadContext,
): YamlScalar | null {
  if (!isName(key)) {
    context.diagnostics.report("wrong-form", keySpan, {
      what: `parameter '${brief(key)}' of ${owner}`,
      given: "another name",
      form: nameForm,
      about: "Expressions refer to parameters by name.",
    });
    return null;
  }
  const resolved = value.kind === "scalar" ? substituteScalar(value, scope, context) : value;
  if (resolved.kind !== "scalar" || (resolved.value === null && !isPoisoned(resolved))) {
    context.diagnostics.report("wrong-type", value.span, {
      what: `parameter '${brief(key)}' of ${owner}`,
      wanted: "a number, a text or true/false",
      given: describeNode(resolved),
      about: "A parameter is one value; it is also the default.",
    });
    return null;
  }
  return resolved;
}

/** `--set key=value`: values by name, after checks against the parameters that the spec declares. */
export function overrides(
  set: Readonly<Record<string, string>>,
  params: YamlMap | null,
  context: LoadContext,
): ReadonlyMap<string, YamlScalar> {
  const values = new Map<string, YamlScalar>();
  const declared = [...(params?.entries.keys() ?? [])];
  for (const [name, text] of Object.entries(set)) {
    const entry = params?.entries.get(name);
    if (entry === undefined) {
      const suggestion = didYouMean(name, declared, null, false);
      context.diagnostics.report(
        "unknown-set",
        null,
        { name, known: declared.length === 0 ? "none" : declared.join(", ") },
        suggestion,
      );
      continue;
    }
    const value = overrideValue(name, text, entry, context);
    if (value !== null) values.set(name, value);
  }
  return values;
}

function overrideValue(
  name: string,
  text: string,
  { value: declared }: YamlEntry,
  context: LoadContext,
): YamlScalar | null {
  const reading = readPlainScalar(text.trim());
  const wanted = declared.kind === "scalar" ? typeof declared.value : "number";
  const isText =
    wanted === "string" && !expressionPattern.test(String((declared as YamlScalar).value));
  const value = isText ? text : "refused" in reading ? null : reading.value;
  const expected = isText ? "string" : wanted === "string" ? "number" : wanted;
  if (typeof value !== expected) {
    const kinds: Readonly<Record<string, string>> = {
      number: "a number",
      boolean: "true or false",
    };
    context.diagnostics.report(
      "set-wrong-type",
      null,
      { name, text, wanted: kinds[expected] ?? "a text" },
      { notes: [{ message: `'${name}' is declared here`, span: declared.span }] },
    );
    return null;
  }
  return { kind: "scalar", value, plain: true, span: declared.span, source: "command line" };
}
