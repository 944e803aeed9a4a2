/** @file What is found without reading the data. */
import { expect, it } from "vitest";
import { checkData } from "../../../runtime/data/index.js";
import type { DataSpec, SourceSpec } from "../../../runtime/spec.js";
import { csvSource, dataSpec, feature, folder, idxFile, noSplit, npyFile, put } from "./support.js";

const base = folder();
const images = put(base, "images.idx", idxFile(8, [6, 2, 3], Buffer.alloc(36)));
const labels = put(base, "labels.idx", idxFile(8, [6], Buffer.from([0, 1, 2, 0, 1, 2])));

function idx(files: Record<string, string>): SourceSpec {
  return { kind: "idx", files };
}

function mnistLike(parts: Partial<DataSpec> = {}): DataSpec {
  return dataSpec(idx({ images, labels }), {
    features: { image: feature.image("images", [2, 3, 1]) },
    targets: { digit: feature.category("labels", ["0", "1", "2"]) },
    ...parts,
  });
}

/** Code and path of every problem. */
async function problems(spec: DataSpec): Promise<[string, string][]> {
  return (await checkData(spec, { base })).map(({ code, path }) => [code, path]);
}

it("finds nothing wrong with data that are in order", async () => {
  expect(
    await problems(
      mnistLike({ test: idx({ images, labels }), split: { ...noSplit, validation: 5 } }),
    ),
  ).toEqual([]);
});

it("says all at once, each with its part of the spec", async () => {
  const spec = mnistLike({
    features: { image: feature.image("images", [28, 28, 1]), extra: feature.number("nothing") },
    targets: { digit: feature.category("labels", ["0", "1"]) },
    test: idx({ images: "imags.idx", labels }),
    split: { ...noSplit, validation: 6 },
  });
  expect(await problems(spec)).toEqual([
    ["split-too-large", "split"],
    ["data-shape-mismatch", "features.image"],
    ["unknown-column", "features.extra"],
    ["unknown-label", "targets.digit"],
    ["data-file-missing", "test"],
  ]);
  const [, shape] = await checkData(spec, { base });
  expect(shape).toMatchObject({
    message: "'image' needs the shape [28, 28, 1], but the data have [2, 3]",
    place: "images.idx",
    help: "Write shape: [2, 3, 1], or add resize: true.",
  });
});

it("checks every label of a small file, with its record", async () => {
  const bad = put(base, "bad.idx", idxFile(8, [6], Buffer.from([0, 1, 2, 0, 9, 2])));
  const [problem, ...others] = await checkData(
    mnistLike({ source: idx({ images, labels: bad }) }),
    { base },
  );
  expect(others).toEqual([]);
  expect(problem).toMatchObject({
    code: "unknown-label",
    place: "bad.idx, record 4 (counted from 0)",
    path: "targets.digit",
  });
});

const faults: readonly [what: string, files: Record<string, string | Buffer>, code: string][] = [
  [
    "a wrong magic number",
    { images: Buffer.from("PK\x03\x04 not an IDX file at all") },
    "wrong-file-format",
  ],
  ["a truncated file", { images: idxFile(8, [6, 2, 3], Buffer.alloc(35)) }, "truncated-file"],
  [
    "different row counts",
    { images: idxFile(8, [5, 2, 3], Buffer.alloc(30)) },
    "row-count-mismatch",
  ],
];
for (const [what, files, code] of faults) {
  it(`finds ${what}`, async () => {
    const path = put(base, "fault.idx", files.images as Buffer);
    expect(await problems(mnistLike({ source: idx({ images: path, labels }) }))).toEqual([
      [code, "source"],
    ]);
  });
}

it("finds columns that a CSV file does not have, those of splits too", async () => {
  const path = put(base, "d.csv", "width,height,kind\n1,2,a\n");
  const spec = dataSpec(csvSource(path), {
    features: { w: feature.number("widht"), h: feature.number("height") },
    split: { ...noSplit, method: "hash", by: ["knd"], validation: 0.5 },
  });
  const found = await checkData(spec, { base });
  const known = ["width", "height", "kind"];
  expect(found.map(({ path, wrong }) => [path, wrong])).toEqual([
    ["split", { word: "knd", known }],
    ["features.w", { word: "widht", known }],
  ]);
});

it("finds fractions that leave no rows, whatever the number of rows", async () => {
  const path = put(base, "f.csv", "x\n1\n2\n");
  const spec = dataSpec(csvSource(path), {
    features: { x: feature.number("x") },
    split: { ...noSplit, validation: 0.5, test: 0.5 },
  });
  expect(await problems(spec)).toEqual([["split-too-large", "split"]]);
  expect(await problems({ ...spec, test: csvSource(path) })).toEqual([]);
});

it("finds a missing package and says so once", async () => {
  const npm = idx({ images: "npm:no-such-data/i", labels: "npm:no-such-data/l" });
  const found = await checkData(mnistLike({ source: npm, test: npm }), { base });
  expect(found.map((p) => [p.code, p.help])).toEqual([
    ["data-package-missing", "Install it: npm install -D no-such-data"],
  ]);
});

it("compares class folders and class files with the classes of the spec", async () => {
  const file = put(base, "c.json", "[[1]]");
  const spec = (files: Record<string, string>) =>
    dataSpec(
      { kind: "json_by_class", files, at: null, column: "v" },
      { targets: { y: feature.category("label", ["cat", "dog"]) } },
    );
  expect(await problems(spec({ cat: file, dog: file }))).toEqual([]);
  expect(await problems(spec({ cat: file, dgo: file }))).toEqual([
    ["unknown-label", "targets.y"],
    ["empty-class", "targets.y"],
  ]);
});

it("finds numbers of the wrong shape, and text where numbers are needed", async () => {
  const file = put(
    base,
    "v.npy",
    npyFile("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }", Buffer.alloc(6)),
  );
  const spec = dataSpec(
    { kind: "npy", files: { v: file } },
    {
      features: {
        one: feature.number("v"),
        four: feature.vector(["v"], [4]),
        three: feature.vector(["v"], [3]),
      },
      targets: { y: feature.category("v", null) },
    },
  );
  expect(await problems(spec)).toEqual([
    ["data-shape-mismatch", "features.one"],
    ["data-shape-mismatch", "features.four"],
    ["data-shape-mismatch", "targets.y"],
  ]);
});

it("has nothing to say on data that the program passes in", async () => {
  expect(
    await problems(dataSpec({ kind: "arrays" }, { features: { x: feature.number("x") } })),
  ).toEqual([]);
});

it("reads every row of a small table: unknown labels and bad cells, each with its line", async () => {
  const path = put(base, "rows.csv", "x,kind\n1,cat\noops,cat\n3,cow\n");
  const spec = dataSpec(csvSource(path), {
    features: { x: feature.number("x") },
    targets: { kind: feature.category("kind", ["cat", "dog"]) },
  });
  const found = await checkData(spec, { base });
  expect(found.map(({ code, place, path }) => [code, place, path])).toEqual([
    ["not-a-number", "rows.csv:3", "features.x"],
  ]);
  const labels = put(base, "labels.csv", "x,kind\n1,cat\n3,cow\n");
  const [problem] = await checkData({ ...spec, source: csvSource(labels) }, { base });
  expect(problem).toMatchObject({
    code: "unknown-label",
    place: "labels.csv:3",
    path: "targets.kind",
  });
});

it("leaves the rows of a large table to training", async () => {
  const path = put(base, "large.csv", `x\n${"1\n".repeat(2_000_001)}oops\n`);
  expect(
    await problems(dataSpec(csvSource(path), { features: { x: feature.number("x") } })),
  ).toEqual([]);
});
