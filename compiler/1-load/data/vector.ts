/** @file Vectors: one column of arrays, or several columns of numbers, listed or numbered. */

import type { FeatureSpec } from "@dlc/runtime";
import { count } from "../../diagnostics/count.js";
import type { Span } from "../../ir/origin.js";
import { headOf, type LoadContext } from "../context.js";
import type { ColumnRange, vectorShape } from "../schema/features.js";
import type { ValuesOf } from "../schema/shape.js";
import { columnFor, type Draft, isColumn, type Neighbours, pathOf } from "./columns.js";

export function resolveVector(
  draft: Draft,
  neighbours: Neighbours,
  context: LoadContext,
): FeatureSpec | null {
  const values = draft.checked.values as ValuesOf<typeof vectorShape>;
  const { columns: written, shape, scale } = values;
  if (written === null) {
    const column = columnFor(draft, neighbours, context);
    if (column === null) return null;
    if (shape === null) {
      context.diagnostics.report("missing-key", headOf(draft.span, context.sources), {
        key: "shape",
        owner: `vector '${draft.name}'`,
        about:
          "Give 'shape' for one column of arrays, or 'columns' for several columns of numbers.",
      });
      return null;
    }
    context.dropDefault(pathOf(draft, neighbours.role, "columns"));
    return { type: "vector", columns: [column], shape, scale };
  }
  const span = draft.checked.spans.columns ?? draft.span;
  if (draft.checked.nodes.has("column")) {
    context.diagnostics.report("one-of-two", span, {
      owner: `vector '${draft.name}'`,
      first: "column",
      second: "columns",
      found: "both are given",
    });
    return null;
  }
  const columns = isRange(written) ? numbered(written, span, context) : written;
  if (columns === null || !columns.every((c) => isColumn(c, draft, neighbours, span, context))) {
    return null;
  }
  const size = (shape ?? [columns.length]).reduce((product, n) => product * n, 1);
  if (columns.length > 1 && size !== columns.length) {
    context.diagnostics.report("vector-size", draft.checked.spans.shape ?? span, {
      feature: draft.name,
      numbers: count(size, "number"),
      columns: count(columns.length, "column"),
      count: columns.length,
    });
    return null;
  }
  const settled = shape ?? [columns.length];
  context.settleDefault(pathOf(draft, neighbours.role, "shape"), settled);
  context.dropDefault(pathOf(draft, neighbours.role, "column"));
  return { type: "vector", columns, shape: settled, scale };
}

const isRange = (columns: readonly string[] | ColumnRange): columns is ColumnRange =>
  "from" in columns;

/** Most columns that `from`/`to` may stand for. */
const mostColumns = 100_000;

/** `p0` to `p63`: the same words around a number; leading zeros stay (`x01` … `x10`). */
function numbered(range: ColumnRange, span: Span, context: LoadContext): readonly string[] | null {
  const from = splitNumber(range.from);
  const to = splitNumber(range.to);
  const fits =
    from !== null &&
    to !== null &&
    from.stem === to.stem &&
    from.number <= to.number &&
    to.number - from.number < mostColumns;
  if (!fits) {
    context.diagnostics.report("column-range", headOf(span, context.sources), {
      from: range.from,
      to: range.to,
    });
    return null;
  }
  const width = from.digits.startsWith("0") ? from.digits.length : 0;
  return Array.from(
    { length: to.number - from.number + 1 },
    (_, i) => from.stem + String(from.number + i).padStart(width, "0"),
  );
}

function splitNumber(name: string): { stem: string; digits: string; number: number } | null {
  const digits = /\d{1,9}$/.exec(name)?.[0];
  if (digits === undefined) return null;
  return { stem: name.slice(0, -digits.length), digits, number: Number(digits) };
}
