/** @file Reading JSON: records, rows, and one file per class. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { JsonMistake, parseNumberRows } from "../../../runtime/data/sources/json-rows.js";
import type { SourceSpec } from "../../../runtime/spec.js";
import { failure, folder, put, read, valuesOf } from "./support.js";

const base = folder();

async function json(content: unknown, columns: string[], at: string | null = null) {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  const path = put(base, "d.json", text);
  const table = await read({ kind: "json", path, at }, base, columns);
  return Object.fromEntries(Object.entries(table).map(([name, c]) => [name, valuesOf(c)]));
}

it("reads records with numbers, text, booleans and nested numbers", async () => {
  const records = [
    {
      n: 1,
      t: "x",
      b: true,
      v: [
        [1, 2],
        [3, 4],
      ],
    },
    {
      n: 2.5,
      t: "y",
      b: false,
      v: [
        [5, 6],
        [7, 8],
      ],
    },
  ];
  expect(await json(records, ["n", "t", "b", "v"])).toEqual({
    n: [1, 2.5],
    t: ["x", "y"],
    b: ["true", "false"],
    v: [1, 2, 3, 4, 5, 6, 7, 8],
  });
});

it("reads the array at a key, and rows that are arrays", async () => {
  expect(
    await json(
      {
        meta: 1,
        rows: [
          [1, 2],
          [3, 4],
        ],
      },
      ["1"],
      "rows",
    ),
  ).toEqual({ "1": [2, 4] });
});

const broken: readonly [
  what: string,
  content: unknown,
  column: string,
  code: string,
  record: number | null,
][] = [
  ["text that is no JSON", '[{"a": 1', "a", "json-syntax", null],
  ["a document that is no array", { rows: [] }, "a", "wrong-file-format", null],
  ["an empty array", [], "a", "no-rows", null],
  ["records and other values mixed", [{ a: 1 }, 5], "a", "mixed-values", 1],
  ["rows of different lengths", [[1, 2], [3]], "0", "ragged-row", 1],
  ["an unknown column", [{ a: 1 }], "b", "unknown-column", null],
  ["a record without the column", [{ a: 1 }, {}], "a", "missing-value", 1],
  ["null", [{ a: 1 }, { a: null }], "a", "missing-value", 1],
  ["numbers and text mixed", [{ a: "1" }, { a: 2 }], "a", "mixed-values", 1],
  ["text among numbers", [{ a: 1 }, { a: "2" }], "a", "not-a-number", 1],
  ["values of different shapes", [{ a: [1, 2] }, { a: [1] }], "a", "ragged-row", 1],
  ["a key that only the prototype has", [{ a: 1 }], "constructor", "unknown-column", null],
];
for (const [what, content, column, code, record] of broken) {
  it(`refuses ${what}`, async () => {
    const error = await failure(json(content, [column]));
    const place = record === null ? "d.json" : `d.json, record ${record} (counted from 0)`;
    expect(error).toMatchObject({ code, place });
  });
}

it("is not impressed by deep nesting", async () => {
  const deep = `${"[".repeat(1e5)}${"]".repeat(1e5)}`;
  expect((await failure(json(deep, ["0"]))).code).toMatch(
    /ragged-row|mixed-values|not-a-number|json-syntax/,
  );
});

// ------------------------------------------------------------ rows of numbers, from bytes

function parse(text: string, at: string | null = null) {
  const { rows, shape, data } = parseNumberRows(Buffer.from(text), at);
  return { rows, shape, data: [...data] };
}

it("reads what JSON.parse reads, for arrays of numbers of any form and shape", () => {
  const number = fc.oneof(
    fc.nat(255),
    fc.integer(),
    fc.float({ noNaN: true, noDefaultInfinity: true }),
  );
  const shape = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 });
  fc.assert(
    fc.property(
      shape,
      fc.integer({ min: 1, max: 4 }),
      fc.boolean(),
      fc.infiniteStream(number),
      (dims, rows, spaced, stream) => {
        const make = (axis: number): unknown =>
          axis === dims.length
            ? stream.next().value
            : Array.from({ length: dims[axis]! }, () => make(axis + 1));
        const value = Array.from({ length: rows }, () => make(0));
        const text = JSON.stringify(
          { before: [1, { x: "]}" }, null], rows: value, after: true },
          null,
          spaced ? 2 : 0,
        );
        const expected = (value as number[])
          .flat(Number.POSITIVE_INFINITY)
          .map((v) => (Number.isInteger(v) && (v | 0) === v ? v : Math.fround(v)));
        const result = parse(text, "rows");
        expect(result.shape).toEqual(dims);
        expect(result.rows).toBe(rows);
        const exact = result.data.map(
          (v, i) => v === expected[i] || v === Math.fround(expected[i]!),
        );
        expect(exact.every(Boolean)).toBe(true);
      },
    ),
  );
});

it("becomes wider only when a number asks for it", () => {
  const typed = (text: string) => parseNumberRows(Buffer.from(text), null).data;
  expect(typed("[[0, 255]]")).toBeInstanceOf(Uint8Array);
  expect(typed("[[0, 256]]")).toBeInstanceOf(Int32Array);
  expect(typed("[[0, -1]]")).toBeInstanceOf(Int32Array);
  expect(typed("[[0, 0.5]]")).toBeInstanceOf(Float32Array);
});

const malformed = [
  "",
  "[",
  "[1",
  "[1,",
  "[1,]",
  "[[1,2],[3]]",
  "[[1],2]",
  "[1] x",
  "[01]",
  "[1.]",
  "[+1]",
  "[--1]",
  '["a"]',
  "[null]",
  "[1e]",
  "[[[]",
  "{}",
  '{"rows": [1]',
  '{"rows" [1]}',
  '{"other": [1]}',
  '{"rows": 5}',
  `{"x": ${"[".repeat(1e5)}, "rows": [1]}`,
];
for (const text of malformed) {
  it(`refuses ${text.length > 40 ? "very deep nesting" : JSON.stringify(text)}`, () => {
    expect(() => parse(text, text.startsWith("{") ? "rows" : null)).toThrow(JsonMistake);
  });
}

// ------------------------------------------------------------ one file per class

function byClass(files: Record<string, string>, at: string | null = "data"): SourceSpec {
  return { kind: "json_by_class", files, at, column: "image" };
}

it("puts the files of all classes one after the other, with their labels", async () => {
  const files = {
    cat: put(base, "cat.json", '{"data": [[1, 2], [3, 4]]}'),
    dog: put(base, "dog.json", '{"data": [[5, 300]]}'),
  };
  const { image, label } = await read(byClass(files), base, ["image", "label"]);
  expect(valuesOf(image)).toEqual([1, 2, 3, 4, 5, 300]);
  expect(valuesOf(label)).toEqual(["cat", "cat", "dog"]);
  expect(image?.place(2)).toBe("dog.json, record 0 (counted from 0)");
});

it("skips empty rows, and still counts them in places", async () => {
  const a = put(base, "gaps.json", '{"data": [[], [1, 2], [ ], [3, 4], []]}');
  const { image, label } = await read(byClass({ a }), base, ["image", "label"]);
  expect([valuesOf(image), valuesOf(label)]).toEqual([
    [1, 2, 3, 4],
    ["a", "a"],
  ]);
  expect([0, 1].map((row) => image?.place(row))).toEqual([
    "gaps.json, record 1 (counted from 0)",
    "gaps.json, record 3 (counted from 0)",
  ]);
});

it("names file and record of a mistake", async () => {
  const ok = put(base, "ok.json", '{"data": [[1, 2]]}');
  const cases: [string, string, string][] = [
    ['{"data": [[1, 2], [3]]}', "ragged-row", "bad.json, record 1 (counted from 0)"],
    ['{"data": [[1, 2], [3, "x"]]}', "not-a-number", "bad.json, record 1 (counted from 0)"],
    ['{"data": [[1, 2, 3]]}', "ragged-row", "bad.json"],
    ['{"data": []}', "empty-class", "bad.json"],
    ['{"rows": [[1, 2]]}', "unknown-column", "bad.json"],
    ['{"data": [[1, 2]', "json-syntax", "bad.json, record 0 (counted from 0)"],
  ];
  for (const [content, code, place] of cases) {
    const bad = put(base, "bad.json", content);
    expect(await failure(read(byClass({ ok, bad }), base, ["image"]))).toMatchObject({
      code,
      place,
    });
  }
});
