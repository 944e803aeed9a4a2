/** @file Which values a layer reads: one (`from`, or the layer above), or several (merging layers). */
import type { Span } from "../../ir/origin.js";
import { layers } from "../../layers/index.js";
import { headOf, type LoadContext } from "../context.js";
import { mainRole, settableInputs } from "../schema/layer-shapes.js";
import { isPoisoned, type YamlNode } from "../yaml/tree.js";
import { type LayerEntry, type Reference, type References, readReferences } from "./layer-entry.js";
import type { Input, ListScope } from "./resolve.js";

/** An entry at its place in a list. */
export interface EntryPlace {
  readonly index: number;
  /** The output of the entry above; of the first entry: the list's input. */
  readonly previous: Input;
  readonly scope: ListScope;
  /** How messages name the layer. */
  readonly title: string;
  /** May it read targets? Default: no. */
  readonly readsTargets?: boolean;
}

/** The one input of a layer or block: `from`, else the layer above. */
export function oneInput(from: References | null, at: EntryPlace, context: LoadContext): Input {
  if (from === null) return at.previous;
  const [first, ...more] = from.list;
  if (from.isList) {
    const text = first === undefined ? "" : context.sources.slice(first.span);
    const fixes =
      first !== undefined && more.length === 0
        ? [
            {
              title: `write 'from: ${text}'`,
              grade: "certain" as const,
              edits: [{ span: from.span, text }],
            },
          ]
        : [];
    context.diagnostics.report(
      "one-input",
      headOf(from.span, context.sources),
      { layer: at.title, count: from.list.length },
      { fixes },
    );
  }
  if (first === undefined) return at.previous;
  const input = at.scope.resolve(first, at.index, at.readsTargets);
  return input === undefined ? at.previous : input;
}

/** `from`, with the inputs that stand among the settings (`state: h`) added to it by their names. */
export function withSettings(
  { type, typeSpan, from }: LayerEntry,
  nodes: ReadonlyMap<string, YamlNode> | undefined,
  context: LoadContext,
): References | null {
  const added: (readonly [string, Reference])[] = [];
  const layer = layers.get(type);
  for (const [key] of settableInputs(layer)) {
    const node = nodes?.get(key);
    const reference = node === undefined ? undefined : readReferences(node, context)?.list[0];
    if (reference === undefined) continue;
    const role = layer?.inputByValue === true && key === mainRole(layer) ? "input" : key;
    const roles = from === null ? [] : (from.roles ?? ["input"]);
    if (roles.includes(role)) {
      context.diagnostics.report("inputs-twice", reference.span, { layer: type });
    } else added.push([role, reference]);
  }
  if (added.length === 0) return from;
  return {
    list: [...(from?.list ?? []), ...added.map(([, reference]) => reference)],
    isList: false,
    roles: [
      ...(from?.roles ?? from?.list.map(() => "input") ?? []),
      ...added.map(([role]) => role),
    ],
    span: from?.span ?? typeSpan,
  };
}

/** The inputs of a layer that tells them apart: `input`, or the layer above, and then the others. */
export function roleInputs(
  { list, roles = [], span }: References,
  at: EntryPlace,
  features: ReadonlyMap<string, Span>,
  context: LoadContext,
): { readonly from: readonly string[]; readonly roles: readonly string[] } {
  const found = new Map<string, string>();
  const input = list[roles.indexOf("input")];
  const main =
    input === undefined ? at.previous : at.scope.resolve(input, at.index, at.readsTargets);
  const [first] =
    main === null ? defaultInput(span, at.title, features, context) : [main ?? at.previous];
  if (first !== undefined && first !== null) found.set("input", first);
  list.forEach((reference, i) => {
    const role = roles[i];
    if (role === undefined || role === "input") return;
    const resolved = at.scope.resolve(reference, at.index);
    const [other] =
      resolved === null
        ? defaultInput(reference.span, at.title, features, context)
        : [resolved ?? null];
    if (other !== undefined && other !== null) found.set(role, other);
  });
  return { from: [...found.values()], roles: [...found.keys()] };
}

/** The inputs of a merging layer: its value (`written`), or `from`. */
export function manyInputs(
  entry: LayerEntry,
  written: YamlNode | null,
  at: EntryPlace,
  features: ReadonlyMap<string, Span>,
  context: LoadContext,
): readonly string[] {
  if (written !== null && entry.fromWritten) {
    const span = headOf(entry.from?.span ?? written.span, context.sources);
    context.diagnostics.report("inputs-twice", span, { layer: at.title });
  }
  if (written !== null && isPoisoned(written)) return [];
  const references = written === null ? entry.from : readReferences(written, context);
  if (references === null) {
    // What could not be read has been reported.
    if (written === null && !entry.fromWritten) needsInputs(entry.typeSpan, at.title, 0, context);
    return [];
  }
  const count = references.list.length;
  if (count < 2) needsInputs(references.span, at.title, count, context);
  return references.list.flatMap((reference) => {
    const input = at.scope.resolve(reference, at.index);
    return input === null
      ? defaultInput(reference.span, at.title, features, context)
      : (input ?? []);
  });
}

function needsInputs(span: Span, layer: string, count: number, context: LoadContext): void {
  context.diagnostics.report("needs-inputs", headOf(span, context.sources), {
    layer,
    count: count === 0 ? "none is given" : "only one is given",
  });
}

/** `input` of a block that reads the model's default input: an only feature has a name. */
export function defaultInput(
  span: Span,
  layer: string,
  features: ReadonlyMap<string, Span>,
  context: LoadContext,
): readonly string[] {
  const [only, ...more] = features.keys();
  if (only !== undefined && more.length === 0) return [only];
  context.diagnostics.report("block-input-unclear", span, { layer });
  return [];
}
