/** @file Reading CSV text. */
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, it } from "vitest";
import { CsvMistake, CsvParser } from "../../../runtime/data/sources/csv-parser.js";
import { csvSource, failure, folder, put, read, valuesOf } from "./support.js";

const base = folder();

async function texts(content: string | Uint8Array, columns: string[], delimiter = ",") {
  const file = put(base, "t.csv", content);
  const table = await read(csvSource(file, delimiter), base, columns, { text: true });
  return Object.fromEntries(Object.entries(table).map(([name, c]) => [name, valuesOf(c)]));
}

async function mistake(content: string | Uint8Array, columns: string[], text = false) {
  const file = put(base, "t.csv", content);
  return failure(read(csvSource(file), base, columns, { text }));
}

const same: Record<string, string | Uint8Array> = {
  "LF line ends": "a,b\n1,x\n2,y\n",
  "CRLF line ends": "a,b\r\n1,x\r\n2,y\r\n",
  "CR line ends": "a,b\r1,x\r2,y\r",
  "no line end at the end": "a,b\n1,x\n2,y",
  "a byte order mark": "\ufeffa,b\n1,x\n2,y\n",
  "quoted cells": '"a","b"\n"1","x"\n"2",y\n',
  "blank lines": "\na,b\n\n1,x\n\n\n2,y\n\n",
  gzip: gzipSync("a,b\n1,x\n2,y\n"),
};
for (const [what, content] of Object.entries(same)) {
  it(`reads text with ${what}`, async () => {
    expect(await texts(content, ["a", "b"])).toEqual({ a: ["1", "2"], b: ["x", "y"] });
  });
}

it("keeps delimiters, quotes and line ends of quoted cells, and spaces of all", async () => {
  const content = 'a,b\n"x,""y""", z \n"line\r\nend",\n';
  expect(await texts(content, ["a", "b"])).toEqual({ a: ['x,"y"', "line\r\nend"], b: [" z ", ""] });
});

it("takes other delimiters", async () => {
  expect(await texts("a;b\n1,5;2\n", ["a"], ";")).toEqual({ a: ["1,5"] });
  expect(await texts("a\tb\n1\t2\n", ["b"], "\t")).toEqual({ b: ["2"] });
});

it("takes names from the spec, and then the first row is data", async () => {
  const path = put(base, "h.csv", "1,2\n3,4\n");
  const source = { kind: "csv", path, delimiter: ",", header: ["p", "q"] } as const;
  expect(valuesOf((await read(source, base, ["q"])).q)).toEqual([2, 4]);
});

it("reads numbers of every usual form", async () => {
  const file = put(base, "n.csv", "a\n1\n-2.5\n+3\n1e-3\n.5\n4.\n 7 \n");
  const { a } = await read(csvSource(file), base, ["a"]);
  const expected = Float32Array.of(1, -2.5, 3, 1e-3, 0.5, 4, 7);
  expect(valuesOf(a)).toEqual([...expected]);
});

it("gives the same rows however the text is cut into pieces", () => {
  const cell = fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", "\r", "é"), maxLength: 5 });
  const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 3 }), {
    minLength: 1,
    maxLength: 5,
  });
  fc.assert(
    fc.property(table, fc.array(fc.nat(40), { maxLength: 6 }), (rows, cuts) => {
      const text = rows
        .map((row) => row.map((c) => `"${c.replaceAll('"', '""')}"`).join(","))
        .join("\r\n");
      const read: string[][] = [];
      const parser = new CsvParser(",", (cells) => read.push(cells));
      let at = 0;
      for (const cut of [...cuts].sort((a, b) => a - b)) {
        parser.push(text.slice(at, Math.max(at, cut)));
        at = Math.max(at, cut);
      }
      parser.push(text.slice(at));
      parser.end();
      expect(read).toEqual(rows);
    }),
  );
});

it("counts lines as an editor does", () => {
  const lines: number[] = [];
  const parser = new CsvParser(",", (_cells, line) => lines.push(line));
  for (const char of 'a\r\n"b\r\nb"\nc\r\rd') parser.push(char);
  parser.end();
  expect(lines).toEqual([1, 2, 4, 6]);
});

const broken: readonly [what: string, content: string, code: string, place: string][] = [
  ["a row with a cell too few", "a,b\n1,2\n3\n", "ragged-row", "t.csv:3"],
  ["a row with a cell too many", "a,b\n\n1,2,3\n", "ragged-row", "t.csv:3"],
  ["a word where a number is expected", "a,b\n1,2\nseven,2\n", "not-a-number", "t.csv:3"],
  ["a decimal comma", 'a,b\n"1,5",2\n', "not-a-number", "t.csv:2"],
  ["a hexadecimal number", "a,b\n0x10,2\n", "not-a-number", "t.csv:2"],
  ["infinity", "a,b\nInfinity,2\n", "not-a-number", "t.csv:2"],
  ["an empty cell", 'a,b\n1,2\n"x\ny",1\n'.replace("x\ny", ""), "missing-value", "t.csv:3"],
  ["NaN", "a,b\nNaN,2\n", "missing-value", "t.csv:2"],
  ["a question mark", "a,b\n ? ,2\n", "missing-value", "t.csv:2"],
  ["a number too large for a float", "a,b\n1e39,2\n", "value-out-of-range", "t.csv:2"],
  ["a quote that is never closed", 'a,b\n1,2\n"3,4\n5,6\n', "csv-syntax", "t.csv:3"],
  ["a quote inside a cell", 'a,b\n1"2,3\n', "csv-syntax", "t.csv:2"],
  ["text after a closing quote", 'a,b\n"1"2,3\n', "csv-syntax", "t.csv:2"],
  ["two columns of one name", "a,a\n1,2\n", "duplicate-column", "t.csv:1"],
  ["no such column", "aa,b\n1,2\n", "unknown-column", "t.csv"],
  ["a header only", "a,b\n", "no-rows", "t.csv"],
  ["nothing", "", "no-rows", "t.csv"],
];
for (const [what, content, code, place] of broken) {
  it(`refuses ${what} and says where`, async () => {
    expect(await mistake(content, ["a"])).toMatchObject({ code, place });
  });
}

it("suggests the column that was meant", async () => {
  const error = await mistake("petal_width,species\n1,x\n", ["petal_widht"]);
  expect(error.help).toContain("Did you mean 'petal_width'?");
});

it("lists columns by their names, but no other content of a file named by mistake", async () => {
  const help = async (content: string): Promise<string> =>
    (await mistake(content, ["x"])).help ?? "";
  expect(await help("petal width (cm),größe\n1,2\n")).toContain("petal width (cm), größe.");
  expect(await help("root:$6$abc:19000:0:99999:7:::\n")).not.toMatch(/root|abc/);
  expect(await help(`name,${"a1b2".repeat(20)}\n1,2\n`)).toContain("name and 1 more");
  expect(await help("a;b;c\n1;2;3\n")).toContain('delimiter: ";"');
  const ragged = await mistake("KEY=secret\n1,2\n", ["x"]);
  expect(`${ragged.message} ${ragged.help}`).not.toContain("secret");
});

it("counts cells and columns in words that fit", async () => {
  const one = await mistake("a,b\n1\n", ["a"]);
  expect(one.message).toBe("this row has 1 cell, but there are 2 columns (a, b)");
  const many = await mistake("a\n1,2\n", ["a"]);
  expect(many.message).toBe("this row has 2 cells, but there is 1 column (a)");
});

it("refuses text that is not UTF-8", async () => {
  expect((await mistake(Buffer.from("a\ncaf\xe9\n", "latin1"), ["a"], true)).code).toBe("not-utf8");
});

it("gives up on an unclosed quote long before a large file ends", () => {
  const parser = new CsvParser(",", () => {});
  parser.push('a\n"');
  const line = "x".repeat(1 << 16);
  const push = () => {
    for (let i = 0; i < 1000; i++) parser.push(line);
  };
  expect(push).toThrow(CsvMistake);
});
