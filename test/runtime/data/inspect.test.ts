/** @file A look at unknown data. */
import sharp from "sharp";
import { expect, it } from "vitest";
import { inspectSource } from "../../../runtime/data/index.js";
import { failure, folder, idxFile, put } from "./support.js";

const base = folder();

it("guesses the columns and the target of a CSV file", async () => {
  const rows = Array.from(
    { length: 30 },
    (_, i) => `${i / 7};${i};${["a", "b", "c"][i % 3]};note ${i};${i % 2 === 0 ? i : ""}`,
  );
  const path = put(base, "data/d.csv", ["width;id;species;comment;gap", ...rows].join("\n"));
  expect(await inspectSource(path, base)).toEqual({
    source: { kind: "csv", path: "data/d.csv", delimiter: ";", header: null },
    rows: 30,
    columns: [
      { name: "width", type: "number" },
      { name: "id", type: "number" },
      { name: "species", type: "category", classes: ["a", "b", "c"] },
      { name: "comment", type: "text" },
      { name: "gap", type: "number", missing: 15 },
    ],
    target: "species",
  });
});

it("takes whole numbers under a name like label as classes", async () => {
  const path = put(base, "digits.csv", "label,p1\n3,0.5\n7,1\n3,2\n");
  const { columns, target } = await inspectSource(path, base);
  expect(columns[0]).toEqual({ name: "label", type: "category", classes: ["3", "7"] });
  expect(target).toBe("label");
});

it("pairs images and labels of a folder of IDX files and leaves test files out", async () => {
  put(base, "mnist/train-images-idx3-ubyte", idxFile(8, [4, 2, 3], Buffer.alloc(24)));
  put(base, "mnist/train-labels-idx1-ubyte", idxFile(8, [4], Buffer.from([1, 0, 1, 5])));
  put(base, "mnist/t10k-images-idx3-ubyte", idxFile(8, [1, 2, 3], Buffer.alloc(6)));
  expect(await inspectSource("mnist", base)).toEqual({
    source: {
      kind: "idx",
      files: { images: "mnist/train-images-idx3-ubyte", labels: "mnist/train-labels-idx1-ubyte" },
    },
    rows: 4,
    columns: [
      { name: "images", type: "image", shape: [2, 3, 1] },
      { name: "labels", type: "category", classes: ["0", "1", "5"] },
    ],
    target: "labels",
  });
});

it("takes the size of the first image and the names of a folder's folders", async () => {
  const png = await sharp(new Uint8Array(60), { raw: { width: 5, height: 4, channels: 3 } })
    .png()
    .toBuffer();
  put(base, "pets/cat/1.png", png);
  put(base, "pets/dog/1.png", png);
  expect(await inspectSource("pets", base)).toMatchObject({
    source: { kind: "images", path: "pets" },
    rows: 2,
    columns: [
      { name: "label", type: "category", classes: ["cat", "dog"] },
      { name: "image", type: "image", shape: [4, 5, 3] },
    ],
    target: "label",
  });
});

it("says what it can look at when it meets something else", async () => {
  put(base, "other/readme.doc", "hello");
  expect((await failure(inspectSource("other", base))).code).toBe("wrong-file-format");
  expect((await failure(inspectSource("other/readme.doc", base))).code).toBe("wrong-file-format");
  expect((await failure(inspectSource("nothing", base))).code).toBe("data-file-missing");
});
