/** @file Unified diffs: applied to the old text, they give the new one. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { unifiedDiff } from "../../compiler/5-emit/unified-diff.js";

/** Applies a unified diff as `patch` does, checking every context line and line number. */
function patched(before: string, diff: string): string {
  const lines = before === "" ? [] : before.replace(/\n$/, "").split("\n");
  const result: string[] = [];
  let next = 0;
  for (const line of diff.trimEnd().split("\n").slice(2)) {
    const hunk = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@$/.exec(line);
    if (hunk !== null) {
      const start = Number(hunk[1]) - (hunk[2] === "0" ? 0 : 1);
      while (next < start) result.push(lines[next++] as string);
      expect(result.length).toBe(Number(hunk[3]) - (hunk[4] === "0" ? 0 : 1));
    } else if (line.startsWith("+")) result.push(line.slice(1));
    else {
      expect(line.slice(1)).toBe(lines[next]);
      if (line.startsWith(" ")) result.push(lines[next] as string);
      next++;
    }
  }
  result.push(...lines.slice(next));
  return result.map((line) => `${line}\n`).join("");
}

const text = fc
  .array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 40 })
  .map((lines) => lines.map((line) => `${line}\n`).join(""));

it("turns the old text into the new one", () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      if (before === after) expect(unifiedDiff("x", before, after)).toBe("");
      else expect(patched(before, unifiedDiff("x", before, after))).toBe(after);
    }),
  );
});

it("shows only what differs, with three lines around it", () => {
  const lines = Array.from({ length: 50 }, (_, i) => `line ${i}`);
  const before = `${lines.join("\n")}\n`;
  const after = before.replace("line 20\n", "changed\n").replace("line 40\n", "");
  const diff = unifiedDiff("x", before, after);
  expect(diff.match(/^@@.*/gm)).toEqual(["@@ -18,7 +18,7 @@", "@@ -38,7 +38,6 @@"]);
  expect(diff.match(/^[-+] ?\w.*/gm)).toEqual(["-line 20", "+changed", "-line 40"]);
});

it("handles texts that have nothing in common without taking long", () => {
  const before = Array.from({ length: 5000 }, (_, i) => `a${i}\n`).join("");
  const after = Array.from({ length: 5000 }, (_, i) => `b${i}\n`).join("");
  expect(patched(before, unifiedDiff("x", before, after))).toBe(after);
});
