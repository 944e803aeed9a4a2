import { describe, expect, it } from "vitest";
import type { Diagnostic } from "../../compiler/diagnostics/diagnostic.js";
import { renderText, toJson } from "../../compiler/diagnostics/render.js";
import { SourceFiles } from "../../compiler/diagnostics/source-files.js";
import { loadText, specWith } from "../support/load.js";
import { readMarks } from "../support/marked.js";

const file = "/project/spec.yaml";

function diagnosticAt(start: number, end: number, more: Partial<Diagnostic> = {}): Diagnostic {
  return {
    code: "unknown-key",
    severity: "error",
    message: "it is wrong",
    span: { file, start, end },
    label: null,
    notes: [],
    help: null,
    fixes: [],
    ...more,
  };
}

/** The report about the marked place of a text. */
function reportOf(marked: string, more: Partial<Diagnostic> = {}): string {
  const { text, marks } = readMarks(marked);
  const sources = new SourceFiles();
  sources.set(file, text);
  const [mark = { start: 0, end: 0 }] = marks;
  return renderText([diagnosticAt(mark.start, mark.end, more)], sources, { base: "/project" });
}

/** Lines of the report from the code frame on. */
const frameOf = (marked: string): string[] => reportOf(marked).split("\n").slice(2);

describe("the code frame", () => {
  it("shows the line before and marks the place", () => {
    expect(frameOf("one: 1\ntwo: «three»\nfour: 4\n")).toEqual([
      "   1 | one: 1",
      "   2 | two: three",
      "     |      ^^^^^",
    ]);
  });

  it("keeps the mark below what it marks after tabs and wide characters", () => {
    expect(frameOf("\ta: «b»")).toEqual(["   1 |   a: b", "     |      ^"]);
    expect(frameOf("名前: «値»")).toEqual(["   1 | 名前: 値", "     |       ^^"]);
    expect(frameOf("e\u0301: «b»")).toEqual(["   1 | e\u0301: b", "     |    ^"]);
  });

  it("cuts long lines around the mark", () => {
    const [line = "", mark = ""] = frameOf(
      `key: [${"a, ".repeat(500)}«wrong»${", b".repeat(500)}]`,
    );
    expect(line.length).toBeLessThan(120);
    expect(line.slice(mark.indexOf("^"), mark.lastIndexOf("^") + 1)).toBe("wrong");
    expect(line).toMatch(/\| ….*…$/);
  });

  it("marks at least one column, also past the end of a line", () => {
    expect(frameOf("key: «»\nnext: 1")).toEqual(["   1 | key:", "     |      ^"]);
  });

  it("works on lines that end in CRLF", () => {
    expect(frameOf("a: 1\r\nb: «2»\r\n")).toEqual(["   1 | a: 1", "   2 | b: 2", "     |    ^"]);
  });
});

describe("text of users", () => {
  it("cannot move the cursor, hide or turn around what is shown", () => {
    const hostile = "\u001b[2J\u0007\u009b1A\u202eevil\u2066\u200b\u2028\ufeff";
    const report = reportOf(`a: «${hostile}»`, {
      message: `'${hostile}'`,
      label: hostile,
      help: hostile,
      notes: [{ message: hostile, span: null }],
    });
    expect(report).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(report).toContain("\\u{1b}[2J");
    expect(report).toContain("\\u{202e}evil");
  });

  it("cannot fill a message's gaps", () => {
    const { diagnostics } = loadText(specWith({ more: 'zzz{known}{owner}: "{key}"' }));
    expect(diagnostics.all[0]?.message).toContain("'zzz{known}{owner}'");
  });
});

describe("the report", () => {
  const sources = new SourceFiles();
  sources.set(file, "a: 1\nb: 2\nc: 3\n");

  it("goes from top to bottom, with what has no place first", () => {
    const list = [
      diagnosticAt(10, 11),
      diagnosticAt(0, 1),
      diagnosticAt(5, 6, { span: null, message: "nowhere" }),
    ];
    const report = renderText(list, sources, { base: "/project" });
    expect(report.match(/nowhere|spec\.yaml:\d+:\d+/g)).toEqual([
      "nowhere",
      "spec.yaml:1:1",
      "spec.yaml:3:1",
    ]);
  });

  it("has colours only if asked", () => {
    const list = [diagnosticAt(0, 1)];
    expect(renderText(list, sources, { base: "/project" })).not.toContain("\u001b");
    expect(renderText(list, sources, { base: "/project", color: true })).toContain("\u001b[");
  });

  it("puts notes below each other, with their places aligned", () => {
    const span = { file, start: 0, end: 1 };
    const notes = [
      { message: "input  [n,28,28,1]", span },
      { message: "c1  [n,26,26,16]", span },
    ];
    const report = renderText([diagnosticAt(5, 6, { notes })], sources, { base: "/project" });
    const [a = "", b = ""] = report.split("\n").filter((line) => line.includes("note:"));
    expect(a.indexOf("spec.yaml")).toBe(b.indexOf("spec.yaml"));
  });

  it("says that --fix applies what is certain", () => {
    const certain = { title: "write x", grade: "certain" as const, edits: [] };
    const likely = { ...certain, grade: "likely" as const };
    expect(renderText([diagnosticAt(0, 1, { fixes: [certain] })], sources)).toContain("--fix");
    expect(renderText([diagnosticAt(0, 1, { fixes: [likely] })], sources)).not.toContain("--fix");
  });
});

it("gives programs codes, places as lines and columns, and fixes with their edits", () => {
  const text = specWith({ model: "model: { layers: [dense: { unit: 2 }] }" });
  const { diagnostics, sources } = loadText(text);
  const line = text.slice(0, text.indexOf("unit:")).split("\n").length;
  const column = text.split("\n")[line - 1]!.indexOf("unit:") + 1;
  const span = {
    file,
    start: text.indexOf("unit:"),
    end: text.indexOf("unit:") + 4,
    line,
    column,
    endLine: line,
    endColumn: column + 4,
  };
  expect(JSON.parse(JSON.stringify(toJson(diagnostics.all, sources)))).toMatchObject({
    schemaVersion: 1,
    errors: 1,
    warnings: 0,
    diagnostics: [
      {
        code: "unknown-key",
        severity: "error",
        span,
        fixes: [{ grade: "certain", edits: [{ span, text: "units" }] }],
      },
    ],
  });
});
