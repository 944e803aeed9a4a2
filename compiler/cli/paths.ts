/** @file Paths for people. */
import { relative, sep } from "node:path";
import { visible } from "../diagnostics/visible.js";

/** Relative to the current folder where that is shorter to read, else as it is. */
export function shownPath(path: string): string {
  const way = relative(process.cwd(), path);
  const inside = way !== "" && way !== ".." && !way.startsWith(`..${sep}`);
  return visible(inside ? way : path);
}
