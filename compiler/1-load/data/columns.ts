/** @file Which columns of the source a feature or target reads. */
import { didYouMean } from "../../diagnostics/fixes.js";
import type { Span } from "../../ir/origin.js";
import type { Checked } from "../check/check-shape.js";
import { headOf, type LoadContext } from "../context.js";
import type { Fields } from "../schema/shape.js";
import type { SourceColumns } from "./source.js";

export type Role = "feature" | "target";

/** A feature whose fields are checked; its column is resolved when all are known. */
export interface Draft {
  readonly name: string;
  readonly span: Span;
  readonly type: string;
  readonly checked: Checked<Fields>;
}

export interface Neighbours {
  readonly drafts: readonly Draft[];
  readonly columns: SourceColumns | null;
  readonly role: Role;
}

/** The column as written, else the default: the feature's name, or the source's main column. */
export function columnFor(
  draft: Draft,
  neighbours: Neighbours,
  context: LoadContext,
): string | null {
  const written = (draft.checked.values as { column?: string | null }).column ?? null;
  if (written !== null) {
    const span = draft.checked.spans.column ?? draft.span;
    return isColumn(written, draft, neighbours, span, context) ? written : null;
  }
  const column = defaultColumn(draft, neighbours, context);
  if (column !== null) context.settleDefault(pathOf(draft, neighbours.role, "column"), column);
  return column;
}

/** Where a setting of a feature stands in the resolved spec. */
export const pathOf = ({ name }: Draft, role: Role, setting: string): string =>
  `data.${role}s.${name}.${setting}`;

function defaultColumn(
  draft: Draft,
  { columns, drafts, role }: Neighbours,
  context: LoadContext,
): string | null {
  if (columns === null || columns.names === null || columns.names.includes(draft.name)) {
    return draft.name;
  }
  const [sole] = columns.names;
  if (columns.names.length === 1 && sole !== undefined) return sole;
  const alike = drafts.filter(({ type }) => type === draft.type);
  const only = drafts.length === 1 || (draft.type === "image" && alike.length === 1);
  const standard = role === "feature" ? columns.main : columns.label;
  if (only && standard !== null) return standard;
  context.diagnostics.report("column-not-in-source", headOf(draft.span, context.sources), {
    name: draft.name,
    owner: `${role} '${draft.name}'`,
    known: columns.names.join(", "),
  });
  return null;
}

export function isColumn(
  name: string,
  draft: Draft,
  { columns, role }: Neighbours,
  span: Span,
  context: LoadContext,
): boolean {
  const names = columns?.names ?? null;
  if (names === null || names.includes(name)) return true;
  const list = draft.checked.nodes.get("columns");
  const item =
    list?.kind === "list"
      ? list.items.find((i) => i.kind === "scalar" && i.value === name)
      : undefined;
  const at = item?.span ?? span;
  const literal = item !== undefined || context.sources.slice(at).includes(name);
  context.diagnostics.report(
    "column-not-in-source",
    headOf(at, context.sources),
    { name, owner: `${role} '${draft.name}'`, known: names.join(", ") },
    didYouMean(name, names, at, literal),
  );
  return false;
}
