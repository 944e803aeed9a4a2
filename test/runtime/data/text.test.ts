/** @file Text features: from a source to the batch, with everything that can be wrong with them. */
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkData,
  createBatches,
  DataError,
  encodeInputs,
  fitFacts,
  needsFacts,
  openData,
} from "../../../runtime/data/index.js";
import type { TextFeature } from "../../../runtime/data/tokens/index.js";
import type { DataSpec, FeatureSpec, SourceSpec } from "../../../runtime/spec.js";
import { csvSource, dataSpec, failure, folder, noSplit, put, read } from "./support.js";

const base = folder();

const text = (fields: Partial<TextFeature> = {}): TextFeature => ({
  ...{ type: "text", column: "t", tokens: "char", length: 8, vocabulary: 8000 },
  ...{ lowercase: false, end: false, truncate: false, unknown: "replace" },
  ...fields,
});

let files = 0;
function csv(
  texts: readonly string[],
  feature: Partial<TextFeature> = {},
  parts: Partial<DataSpec> = {},
): DataSpec {
  const cells = texts.map((cell) => `"${cell.replaceAll('"', '""')}"`);
  const path = put(base, `t${files++}.csv`, `t\n${cells.join("\n")}\n`);
  return dataSpec(csvSource(path), { features: { t: text(feature) }, ...parts });
}

async function rowsOf(spec: DataSpec): Promise<number[][]> {
  const facts = await fitFacts(spec, { base });
  const data = await openData(spec, facts, { base });
  const batches = createBatches(data, "train", { batch: 100, seed: 1, epoch: 0, shuffle: false });
  const batch = await batches.next();
  const { shape = [], data: ids = [], dtype } = batch?.inputs.t ?? {};
  expect(dtype).toBe("i32");
  const [rows = 0, length = 0] = shape;
  return Array.from({ length: rows }, (_, i) => [...ids.slice(i * length, (i + 1) * length)]);
}

describe("encoding", () => {
  it("gives ids with padding behind them", async () => {
    expect(await rowsOf(csv(["ab", "b", "bca"], { length: 4 }))).toEqual([
      [5, 4, 0, 0],
      [4, 0, 0, 0],
      [4, 6, 5, 0],
    ]);
  });

  it("puts <end> behind every text, also where it is cut", async () => {
    expect(await rowsOf(csv(["ab", "abba"], { length: 3, end: true, truncate: true }))).toEqual([
      [4, 5, 3],
      [4, 5, 3],
    ]);
  });

  it("cuts longer texts only where asked to", async () => {
    expect(await rowsOf(csv(["abba"], { length: 3, truncate: true }))).toEqual([[4, 5, 5]]);
    const error = await failure(rowsOf(csv(["ab", "abba"], { length: 3 })));
    expect(error).toMatchObject({
      code: "example-too-long",
      message: "this text of 't' has 4 tokens, but max_length is 3",
    });
    expect(error.place).toMatch(/^t\d+\.csv:3$/);
    expect(error.help).toContain("write max_length: 4, or truncate: true");
  });

  it("does not count the end token as part of max_length", async () => {
    const error = await failure(rowsOf(csv(["abba"], { length: 4, end: true })));
    expect(error.message).toBe("this text of 't' has 4 tokens, but max_length is 3");
    expect(error.help).toContain("max_length: 4");
  });

  it.each(["", "   "])("refuses the text %j without a word", async (empty) => {
    const error = await failure(rowsOf(csv(["a", empty], { tokens: "word" })));
    expect(error.code).toBe("empty-text");
    expect(error.place).toMatch(/:3$/);
  });

  it("white space is text for characters and byte pairs", async () => {
    for (const tokens of ["char", "bpe"] as const) {
      expect((await rowsOf(csv(["a", " "], { tokens })))[1]?.[0]).toBeGreaterThan(3);
    }
  });

  it("refuses numbers", async () => {
    const path = put(base, "numbers.json", '[{"t": 1}, {"t": 2}]');
    const spec = dataSpec({ kind: "json", path, at: null }, { features: { t: text() } });
    expect(await failure(rowsOf(spec))).toMatchObject({ code: "wrong-column-type" });
  });

  it("a column may be a text and a category at once", async () => {
    const spec = csv(["a", "b"]);
    const category: FeatureSpec = { type: "category", column: "t", classes: null, encode: "index" };
    const both = { ...spec, targets: { c: category } };
    const facts = await fitFacts(both, { base });
    expect(facts.c?.classes).toEqual(["a", "b"]);
    expect(facts.t?.vocabulary).toContain("b");
  });
});

describe("facts", () => {
  it("are needed for every text", () => {
    expect(needsFacts(csv(["a"]))).toBe(true);
  });

  it("come from the training split alone", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 8 }), {
          minLength: 4,
          maxLength: 12,
        }),
        fc.constantFrom("char", "word", "bpe"),
        async (texts, tokens) => {
          const lines = texts.map((line, i) => `x${i} ${line}`);
          const held = Math.floor(lines.length / 2);
          const split = { ...noSplit, validation: held, method: "last" } as const;
          const feature = { tokens, length: 40 } as const;
          const whole = await fitFacts(csv(lines, feature, { split }), { base });
          const alone = await fitFacts(csv(lines.slice(0, -held), feature), { base });
          expect(whole).toEqual(alone);
        },
      ),
      { numRuns: 25 },
    );
  });

  it("have the length of the longest text where none is given", async () => {
    const split = { ...noSplit, validation: 1, method: "last" } as const;
    const facts = await fitFacts(csv(["abc", "a", "abab"], { length: 0 }, { split }), { base });
    expect(facts.t?.length).toBe(4);
    const ending = await fitFacts(csv(["abc", "a"], { length: 0, end: true }), { base });
    expect(ending.t?.length).toBe(4);
    const given = await fitFacts(csv(["abc"]), { base });
    expect(given.t).not.toHaveProperty("length");
  });

  it("find held-back texts that are longer than max_length", async () => {
    const split = { ...noSplit, validation: 1, method: "last" } as const;
    const spec = csv(["ab", "a", "abcd"], { tokens: "bpe", length: 2 }, { split });
    expect(await checkData(spec, { base })).toEqual([]);
    const error = await failure(fitFacts(spec, { base }));
    expect(error).toMatchObject({ code: "example-too-long" });
    expect(error.help).toContain("max_length: 4");
    expect((error as DataError).details.path).toBe("features.t");
  });

  it("cannot come from data that the program passes in", async () => {
    const spec = dataSpec({ kind: "arrays" }, { features: { t: text() } });
    const error = await failure(fitFacts(spec, { base }));
    expect(error).toMatchObject({ code: "arrays-missing" });
    expect(error.message).toContain("the vocabulary of 't'");
  });
});

describe("unknown tokens", () => {
  const split = { ...noSplit, validation: 1, method: "last" } as const;
  const warningsOf = async (spec: DataSpec): Promise<DataError[]> => {
    const warnings: DataError[] = [];
    await fitFacts(spec, { base, warn: (warning) => warnings.push(warning) });
    return warnings;
  };

  it("are warned of when more than a few held-back ones are", async () => {
    const [warning, ...others] = await warningsOf(csv(["abc", "abc", "axy"], {}, { split }));
    expect(others).toEqual([]);
    expect(warning).toBeInstanceOf(DataError);
    expect(warning?.code).toBe("many-unknown-tokens");
    expect(warning?.message).toContain("67 % of the tokens of 't' in the validation split");
    expect(warning?.help).toContain("For example: x, y.");
    expect(warning?.details.path).toBe("features.t");
    expect(await warningsOf(csv(["abc", "abc", "cab"], {}, { split }))).toEqual([]);
    expect(await warningsOf(csv(["abc", "abc", "axy"], { tokens: "bpe" }, { split }))).toEqual([]);
  });

  it("are also found in sources of their own", async () => {
    const test: SourceSpec = csvSource(put(base, "own.csv", "t\nxyz\n"));
    const [warning] = await warningsOf(csv(["abc"], {}, { test }));
    expect(warning?.message).toContain("100 % of the tokens of 't' in the test split");
  });

  it("are errors where the spec says so, with the row and the token", async () => {
    const spec = csv(["abc", "abc", "axy"], { unknown: "error" }, { split });
    const error = await failure(fitFacts(spec, { base }));
    expect(error).toMatchObject({
      code: "unknown-token",
      message: "\"x\" is not in the vocabulary of 't'",
    });
    expect(error.place).toMatch(/:4$/);
  });
});

describe("checking", () => {
  it("finds empty and long texts before anything is built", async () => {
    const long = await checkData(csv(["a", "abcdefghi"]), { base });
    expect(long).toMatchObject([{ code: "example-too-long", path: "features.t" }]);
    expect(await checkData(csv(["a", "abcdefghi"], { truncate: true }), { base })).toEqual([]);
    expect(await checkData(csv(["a", ""]), { base })).toMatchObject([{ code: "empty-text" }]);
    expect(await checkData(csv(["a", ""], { tokens: "bpe" }), { base })).toMatchObject([
      { code: "empty-text" },
    ]);
  });

  it("finds arrays of numbers in the place of text", async () => {
    const idx = put(base, "labels.idx", Buffer.from([0, 0, 8, 1, 0, 0, 0, 1, 7]));
    const spec = dataSpec({ kind: "idx", files: { t: idx } }, { features: { t: text() } });
    expect(await checkData(spec, { base })).toMatchObject([{ code: "wrong-column-type" }]);
  });
});

describe("predicting", () => {
  const facts = { t: { vocabulary: ["<pad>", "<unknown>", "<start>", "<end>", "a", "b"] } };
  const encode = async (value: unknown, fields: Partial<TextFeature> = {}) => {
    const data = dataSpec({ kind: "arrays" }, { features: { t: text({ length: 4, ...fields }) } });
    const { t } = await encodeInputs({ data, facts }, [{ t: value }]);
    return [t?.dtype, t?.shape, ...(t?.data ?? [])];
  };

  it("takes strings", async () => {
    expect(await encode("ab?")).toEqual(["i32", [1, 4], 4, 5, 1, 0]);
    expect(await encode("BA", { lowercase: true, end: true })).toEqual(["i32", [1, 4], 5, 4, 3, 0]);
    expect(await encode("abbab", { truncate: true })).toEqual(["i32", [1, 4], 4, 5, 5, 4]);
  });

  it.each([
    [3, {}, "wrong-column-type", "a single number"],
    [["a"], {}, "wrong-column-type", "a list"],
    ["", {}, "empty-text", "is empty"],
    ["abbab", {}, "example-too-long", "5 tokens, but max_length is 4"],
    ["a?", { unknown: "error" as const }, "unknown-token", "is not in the vocabulary"],
  ])("refuses %j", async (value, fields, code, message) => {
    const error = await failure(encode(value, fields));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(error.place).toBe("input 't'");
  });
});

describe("text files", () => {
  const source = (
    path: string,
    by: "line" | "paragraph" | "characters",
    length = 4,
  ): SourceSpec => ({
    kind: "text",
    ...{ path, by, length },
  });
  const book = put(base, "book.txt", "\ufeffOne,\r\ntwo.\r\n\r\n  \r\nThree 😀!\n");
  const columnOf = async (of: SourceSpec) => (await read(of, base, ["text"])).text;

  it.each([
    ["line", ["One,", "two.", "Three 😀!"], ["1", "2", "5"]],
    ["paragraph", ["One,\ntwo.", "Three 😀!"], ["1", "5"]],
  ] as const)("give a row for each %s", async (by, values, lines) => {
    const column = await columnOf(source(book, by));
    expect(column).toMatchObject({ kind: "text", rows: values.length, values });
    expect(values.map((_, row) => column?.place(row))).toEqual(lines.map((n) => `book.txt:${n}`));
  });

  it("give pieces of a number of characters, none of them cut in two", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }).map((s) => `.${s}`),
        fc.integer({ min: 1, max: 9 }),
        async (whole, length) => {
          const column = await columnOf(source(put(base, "any.txt", whole), "characters", length));
          const values = column?.kind === "text" ? column.values : [];
          expect(values.join("")).toBe(whole);
          for (const piece of values.slice(0, -1)) expect(Array.from(piece)).toHaveLength(length);
        },
      ),
      { numRuns: 50 },
    );
    expect((await columnOf(source(book, "characters")))?.place(1)).toBe("book.txt, character 5");
  });

  it("may be compressed", async () => {
    const path = put(base, "book.txt.gz", gzipSync("a\nb"));
    expect(await columnOf(source(path, "line"))).toMatchObject({ values: ["a", "b"] });
  });

  it("are checked: encoding, emptiness, columns", async () => {
    const utf16 = put(base, "16.txt", Buffer.from("\ufeffab", "utf16le"));
    const wide = await failure(columnOf(source(utf16, "line")));
    expect(wide).toMatchObject({ code: "not-utf8", message: "16.txt is in UTF-16, not in UTF-8" });
    expect(wide.help).toContain("Save the file as UTF-8");
    const latin = put(base, "latin.txt", Buffer.from([0x61, 0xe9, 0x62]));
    expect((await failure(columnOf(source(latin, "line")))).code).toBe("not-utf8");
    const empty = put(base, "empty.txt", "\n \n");
    expect((await failure(columnOf(source(empty, "line")))).code).toBe("no-rows");
    expect((await failure(read(source(book, "line"), base, ["line"]))).code).toBe("unknown-column");
    const features = { t: text({ column: "text" }) };
    expect(await checkData(dataSpec(source(utf16, "line"), { features }), { base })).toMatchObject([
      { code: "not-utf8", path: "source" },
    ]);
    expect(
      await checkData(dataSpec(source("no.txt", "line"), { features }), { base }),
    ).toMatchObject([{ code: "data-file-missing" }]);
  });
});
