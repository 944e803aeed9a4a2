/** @file The difference of two texts in unified format, as `diff -u` prints it. */

interface Edit {
  readonly kind: " " | "-" | "+";
  readonly line: string;
}

/** Beyond this many differing lines the whole middle is shown as replaced. */
const editLimit = 1000;
const context = 3;

/**
 * The shortest edit script of two lists of lines: the greedy algorithm of Myers (1986), section 4.
 * `null` beyond `editLimit` edits.
 */
function shortestEdits(a: readonly string[], b: readonly string[]): readonly Edit[] | null {
  const limit = Math.min(a.length + b.length, editLimit);
  const furthest = new Map<number, number>([[1, 0]]);
  const trace: Map<number, number>[] = [];
  for (let d = 0; d <= limit; d++) {
    trace.push(new Map(furthest));
    for (let k = -d; k <= d; k += 2) {
      let x = goesDown(furthest, k, d) ? at(furthest, k + 1) : at(furthest, k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      furthest.set(k, x);
      if (x >= a.length && x - k >= b.length) return backtrack(trace, a, b);
    }
  }
  return null;
}

const at = (furthest: ReadonlyMap<number, number>, k: number): number =>
  furthest.get(k) ?? Number.NEGATIVE_INFINITY;

const goesDown = (furthest: ReadonlyMap<number, number>, k: number, d: number): boolean =>
  k === -d || (k !== d && at(furthest, k - 1) < at(furthest, k + 1));

/** Where the path that ends on diagonal k after d edits came from. */
function previous(
  furthest: ReadonlyMap<number, number>,
  k: number,
  d: number,
): readonly [x: number, y: number] {
  if (d === 0) return [0, 0];
  const from = goesDown(furthest, k, d) ? k + 1 : k - 1;
  const x = at(furthest, from);
  return [x, x - from];
}

function backtrack(
  trace: readonly ReadonlyMap<number, number>[],
  a: readonly string[],
  b: readonly string[],
): readonly Edit[] {
  const edits: Edit[] = [];
  let x = a.length;
  let y = b.length;
  for (const [d, furthest] of [...trace.entries()].reverse()) {
    const [startX, startY] = previous(furthest, x - y, d);
    for (; x > startX && y > startY; x--, y--) edits.push({ kind: " ", line: a[x - 1] ?? "" });
    if (x > startX) edits.push({ kind: "-", line: a[--x] ?? "" });
    else if (y > startY) edits.push({ kind: "+", line: b[--y] ?? "" });
  }
  return edits.reverse();
}

function editsOf(a: readonly string[], b: readonly string[]): readonly Edit[] {
  const same = (kind: " " | "-" | "+", lines: readonly string[]): Edit[] =>
    lines.map((line) => ({ kind, line }));
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (
    end < a.length - start &&
    end < b.length - start &&
    a[a.length - 1 - end] === b[b.length - 1 - end]
  ) {
    end++;
  }
  const before = a.slice(start, a.length - end);
  const after = b.slice(start, b.length - end);
  const middle = shortestEdits(before, after) ?? [...same("-", before), ...same("+", after)];
  return [...same(" ", a.slice(0, start)), ...middle, ...same(" ", a.slice(a.length - end))];
}

/** A last line without a line break is rare enough to be shown as one that has it. */
const linesOf = (text: string): readonly string[] =>
  text === "" ? [] : text.replace(/\n$/, "").split("\n");

const range = (start: number, count: number): string =>
  `${count === 0 ? start : start + 1}${count === 1 ? "" : `,${count}`}`;

/** `""` for equal texts. `null` stands for a file that does not exist. */
export function unifiedDiff(path: string, before: string | null, after: string | null): string {
  if (before === after) return "";
  const edits = editsOf(linesOf(before ?? ""), linesOf(after ?? ""));
  const keep = edits.map(() => false);
  edits.forEach((edit, i) => {
    if (edit.kind === " ") return;
    keep.fill(true, Math.max(0, i - context), Math.min(edits.length, i + context + 1));
  });
  const out = [
    `--- ${before === null ? "/dev/null" : `a/${path}`}`,
    `+++ ${after === null ? "/dev/null" : `b/${path}`}`,
  ];
  let oldLine = 0;
  let newLine = 0;
  for (let i = 0; i < edits.length; ) {
    const hunk: Edit[] = [];
    while (keep[i + hunk.length] === true) hunk.push(edits[i + hunk.length] as Edit);
    if (hunk.length === 0) {
      oldLine++;
      newLine++;
      i++;
      continue;
    }
    const removed = hunk.filter(({ kind }) => kind !== "+").length;
    const added = hunk.filter(({ kind }) => kind !== "-").length;
    out.push(`@@ -${range(oldLine, removed)} +${range(newLine, added)} @@`);
    out.push(...hunk.map(({ kind, line }) => `${kind}${line}`));
    oldLine += removed;
    newLine += added;
    i += hunk.length;
  }
  return `${out.join("\n")}\n`;
}
