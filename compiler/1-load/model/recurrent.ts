/** @file Reads what `recurrent` says beside its cell: states, their next values, the output. */
import { brief } from "../../diagnostics/visible.js";
import type { Span } from "../../ir/origin.js";
import { checkShape, type FieldNodes, type Owner } from "../check/check-shape.js";
import { headOf, type LoadContext } from "../context.js";
import type { RecurrentState } from "../resolved-spec.js";
import { isName, nameForm } from "../schema/kinds.js";
import { stateShape } from "../schema/recurrent-shape.js";
import { describeNode, isPoisoned, type YamlMap, type YamlNode } from "../yaml/tree.js";
import { type Reference, readReferences } from "./layer-entry.js";

/** A state as it is written, with what it starts as still a word. */
export interface WrittenState extends Omit<RecurrentState, "start" | "like" | "next"> {
  readonly like: Reference | null;
  readonly start: Reference | null;
}

/** Names of states: one that could not be read has been reported, and is known all the same. */
export function declaredStates(nodes: FieldNodes): readonly string[] {
  const states = nodes.get("states");
  return states?.kind === "map" ? [...states.entries.keys()] : [];
}

/** The map by states that a value must be; null after a diagnostic. */
function mapOf(node: YamlNode | undefined, what: string, context: LoadContext): YamlMap | null {
  if (node === undefined || (node.kind === "scalar" && isPoisoned(node))) return null;
  if (node.kind === "map" && node.entries.size > 0) return node;
  context.diagnostics.report("wrong-type", headOf(node.span, context.sources), {
    what,
    wanted: "a map with at least one state",
    given: describeNode(node),
    about: "States are values that go from step to step, by name.",
  });
  return null;
}

/** The one reference that a value is; null after a diagnostic. */
function referenceOf(node: YamlNode | undefined, context: LoadContext): Reference | null {
  const found = node === undefined ? null : readReferences(node, context);
  return found?.list[0] ?? null;
}

export function readStates(
  nodes: FieldNodes,
  owner: Owner,
  context: LoadContext,
): readonly WrittenState[] {
  const map = mapOf(nodes.get("states"), `'states' of ${owner.title}`, context);
  return [...(map?.entries.values() ?? [])].flatMap(({ key, keySpan, value }) => {
    if (!isName(key) || key === "x") {
      context.diagnostics.report("wrong-form", keySpan, {
        what: "a state's name",
        given: `'${brief(key)}'`,
        form: key === "x" ? "another name: 'x' is the step's part of the sequence" : nameForm,
        about: "Layers of the cell read the state by it.",
      });
      return [];
    }
    const state = readState(key, keySpan, value, owner, context);
    return state === null ? [] : [state];
  });
}

function readState(
  name: string,
  span: Span,
  value: YamlNode,
  owner: Owner,
  context: LoadContext,
): WrittenState | null {
  const whole = { title: `state '${name}'`, span, path: `${owner.path}.states.${name}` };
  const map = value.kind === "map" ? value : null;
  const checked = checkShape(map, stateShape, whole, context, map === null ? value : null);
  if (!checked.ok) return null;
  const { size, like, from } = checked.values;
  const given = [size, like, from].filter((setting) => setting !== null);
  if (given.length !== 1) {
    context.diagnostics.report("state-start", span, {
      name,
      found: given.length === 0 ? "none of them is given" : `${given.length} of them are given`,
    });
    return null;
  }
  return {
    name,
    span,
    size: size as readonly number[] | null,
    like: like === null ? null : referenceOf(checked.nodes.get("like"), context),
    start: from === null ? null : referenceOf(checked.nodes.get("from"), context),
  };
}

/** What `next` says of each state; states it leaves out are reported. */
export function readNext(
  nodes: FieldNodes,
  states: readonly WrittenState[],
  owner: Owner,
  context: LoadContext,
): ReadonlyMap<string, Reference> {
  const node = nodes.get("next");
  const map = mapOf(node, `'next' of ${owner.title}`, context);
  const next = new Map<string, Reference>();
  if (map === null) return next;
  const known = declaredStates(nodes);
  for (const { key, keySpan, value } of map.entries.values()) {
    if (!known.includes(key)) {
      context.diagnostics.report("unknown-state", keySpan, { name: key, known: known.join(", ") });
      continue;
    }
    const reference = referenceOf(value, context);
    if (reference !== null) next.set(key, reference);
  }
  for (const { name, span } of states) {
    if (!map.entries.has(name)) {
      context.diagnostics.report("state-without-next", span, { name, layer: owner.title });
    }
  }
  return next;
}
