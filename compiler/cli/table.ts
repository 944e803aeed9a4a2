/** @file Plain text tables for terminals, and numbers for people. */
import { visible, width } from "../diagnostics/visible.js";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

/** Rows under titles, columns two spaces apart, a rule below the titles. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const titles = columns.map(({ title }) => visible(title));
  const cells = rows.map((row) => columns.map((_, i) => visible(row[i] ?? "")));
  const widths = titles.map((title, i) =>
    cells.reduce((most, row) => Math.max(most, width(row[i] ?? "")), width(title)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => {
        const gap = " ".repeat(Math.max(0, (widths[i] ?? 0) - width(cell)));
        return columns[i]?.align === "right" ? gap + cell : cell + gap;
      })
      .join("  ")
      .trimEnd();
  return [line(titles), widths.map((size) => "-".repeat(size)).join("  "), ...cells.map(line)].join(
    "\n",
  );
}

/** 1234567 → 1,234,567 */
export const thousands = (value: number): string => value.toLocaleString("en-US");

export { bytes, magnitude } from "../diagnostics/sizes.js";
