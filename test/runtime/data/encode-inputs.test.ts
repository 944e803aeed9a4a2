/** @file From values of a caller to the inputs of a program. */
import { join } from "node:path";
import sharp from "sharp";
import { expect, it } from "vitest";
import { encodeInputs } from "../../../runtime/data/index.js";
import { dataSpec, failure, feature, folder, put } from "./support.js";

const base = folder();
const definition = {
  data: dataSpec(
    { kind: "arrays" },
    {
      features: {
        image: feature.image("image", [1, 2, 3]),
        size: feature.number("size"),
        grid: feature.vector(["grid"], [2, 2]),
        kind: feature.category("kind", null),
      },
      targets: { y: feature.category("y", ["a"]) },
    },
  ),
  facts: { kind: { classes: ["red", "7"] } },
};
const good = {
  image: [1, 2, 3, 4, 5, 6],
  size: 1.5,
  grid: [
    [1, 2],
    [3, 4],
  ],
  kind: "red",
};

it("makes one batch of several examples", async () => {
  const inputs = await encodeInputs(definition, [good, { ...good, size: -2, kind: 7, y: "a" }]);
  expect(inputs).toEqual({
    image: {
      dtype: "u8",
      shape: [2, 1, 2, 3],
      data: Uint8Array.of(1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6),
    },
    size: { dtype: "f32", shape: [2, 1], data: Float32Array.of(1.5, -2) },
    grid: { dtype: "f32", shape: [2, 2, 2], data: Float32Array.of(1, 2, 3, 4, 1, 2, 3, 4) },
    kind: { dtype: "i32", shape: [2], data: Int32Array.of(0, 1) },
  });
});

it("takes images in every usual form", async () => {
  const pixels = Uint8Array.of(1, 2, 3, 4, 5, 6);
  const png = await sharp(pixels, { raw: { width: 2, height: 1, channels: 3 } })
    .png()
    .toBuffer();
  const forms: unknown[] = [
    pixels,
    Buffer.from(pixels),
    Float32Array.from(pixels),
    [...pixels],
    [
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
    ],
    { shape: [1, 2, 3], data: pixels },
    { shape: [1, 2, 3], data: [...pixels] },
    png,
    join(base, put(base, "x.png", png)),
  ];
  for (const image of forms) {
    const inputs = await encodeInputs(definition, [{ ...good, image }]);
    expect([...inputs.image!.data]).toEqual([...pixels]);
  }
});

it("takes vectors nested, flat, typed and shaped", async () => {
  for (const grid of [
    [1, 2, 3, 4],
    Float64Array.of(1, 2, 3, 4),
    { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
  ]) {
    const inputs = await encodeInputs(definition, [{ ...good, grid }]);
    expect([...inputs.grid!.data]).toEqual([1, 2, 3, 4]);
  }
});

it("resizes where the feature says so", async () => {
  const small = {
    data: dataSpec({ kind: "arrays" }, { features: { i: feature.image("i", [1, 1, 1], true) } }),
    facts: {},
  };
  const inputs = await encodeInputs(small, [
    {
      i: [
        [[9], [9]],
        [[9], [9]],
      ],
    },
  ]);
  expect([...inputs.i!.data]).toEqual([9]);
});

it("needs only what the infer program reads", async () => {
  const programs = { infer: { inputs: { size: {} } } };
  const inputs = await encodeInputs({ ...definition, programs }, [{ size: 3 }]);
  expect(Object.keys(inputs)).toEqual(["size"]);
});

const bad: readonly [what: string, value: Record<string, unknown>, code: string, says: string][] = [
  ["a missing feature", { size: undefined }, "input-missing", "'size'"],
  ["an unknown key", { sise: 1 }, "unknown-input", '"sise"'],
  ["text for a number", { size: "3" }, "not-a-number", "'size'"],
  ["a list for a number", { size: [1, 2] }, "data-shape-mismatch", "not [2]"],
  ["NaN", { size: Number.NaN }, "missing-value", "'size'"],
  ["a number that is no float", { size: 1e300 }, "value-out-of-range", "'size'"],
  [
    "a vector of another shape",
    {
      grid: [
        [1, 2, 3],
        [4, 5, 6],
      ],
    },
    "data-shape-mismatch",
    "needs [2, 2], not [2, 3]",
  ],
  ["a ragged vector", { grid: [[1, 2], [3]] }, "ragged-row", "'grid'"],
  ["an image of another shape", { image: [[[1, 2, 3]]] }, "data-shape-mismatch", "not [1, 1, 3]"],
  ["pixels that are no bytes", { image: [1, 2, 3, 4, 5, 256] }, "value-out-of-range", "256"],
  ["pixels scaled already", { image: [0, 0.5, 1, 0, 0, 0] }, "value-out-of-range", "0.5"],
  ["a file that is not there", { image: "nowhere.png" }, "data-file-missing", "nowhere.png"],
  ["an unknown class", { kind: "rde" }, "unknown-label", "rde"],
  ["a class that is no text", { kind: {} }, "unknown-label", "'kind'"],
];
for (const [what, value, code, says] of bad) {
  it(`refuses ${what} and names the feature and the row`, async () => {
    const error = await failure(encodeInputs(definition, [good, { ...good, ...value }]));
    expect(error.code).toBe(code);
    expect(error.message).toContain(says);
    expect(error.place).toContain("row 1 (counted from 0)");
    expect(error.help).not.toBe("");
  });
}

it("reads no files where it must not", async () => {
  const image = join(base, "x.png");
  const error = await failure(encodeInputs(definition, [{ ...good, image }], { files: false }));
  expect(error.message).toContain("must not be the path of a file");
});
