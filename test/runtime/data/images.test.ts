/** @file Reading folders of images. */
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { checkData, fitFacts, openData } from "../../../runtime/data/index.js";
import type { SourceSpec } from "../../../runtime/spec.js";
import { dataSpec, encoded, failure, feature, folder, put, read, valuesOf } from "./support.js";

const base = folder();

async function picture(
  name: string,
  [height, width, channels]: readonly [number, number, 3 | 4 | 1],
  pixel: (y: number, x: number) => readonly number[],
  format: "png" | "jpeg" | "webp" = "png",
): Promise<string> {
  const data = new Uint8Array(height * width * channels);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) data.set(pixel(y, x), (y * width + x) * channels);
  const image = sharp(data, { raw: { width, height, channels } });
  const options = format === "webp" ? { lossless: true } : {};
  const colours = channels === 1 ? image.toColourspace("b-w") : image;
  return put(base, name, await colours.toFormat(format, options).toBuffer());
}

const source: SourceSpec = { kind: "images", path: "pets" };
const spec = dataSpec(source, {
  features: { image: feature.image("image", [2, 3, 3]) },
  targets: { pet: feature.category("label", null) },
});

beforeAll(async () => {
  await picture("pets/dog/b.png", [2, 3, 3], (y, x) => [10 * y, 10 * x, 1]);
  await picture("pets/cat/2.webp", [2, 3, 3], (y, x) => [10 * y, 10 * x, 2]);
  await picture("pets/cat/10.PNG", [2, 3, 4], (y, x) => [10 * y, 10 * x, 3, 255]);
  put(base, "pets/cat/notes.txt", "not an image");
  put(base, "pets/README.md", "not a class");
  put(base, "pets/.hidden/x.png", "not a class");
});

it("reads classes and files in the order of their names, pixels as stored", async () => {
  const { image, label } = await read(source, base, ["image", "label"], {
    image: { shape: [2, 3, 3], resize: false },
  });
  expect(valuesOf(label)).toEqual(["cat", "cat", "dog"]);
  expect([0, 1, 2].map((row) => image?.place(row))).toEqual([
    "pets/cat/10.PNG",
    "pets/cat/2.webp",
    "pets/dog/b.png",
  ]);
  const pixels = valuesOf(image);
  expect(pixels.slice(0, 9)).toEqual([0, 0, 3, 0, 10, 3, 0, 20, 3]);
  expect(pixels.slice(-3)).toEqual([10, 20, 1]);
});

it("takes the folders' names as classes", async () => {
  const facts = await fitFacts(spec, { base });
  expect(facts.pet).toEqual({ classes: ["cat", "dog"], counts: [2, 1] });
  const data = await openData(spec, facts, { base });
  expect(Array.from(data.splits.train?.table.columns.pet?.data ?? [])).toEqual([0, 0, 1]);
});

it("makes colour from grey and grey from colour", async () => {
  await picture("grey/a/1.png", [1, 2, 1], (_y, x) => [x * 200]);
  await picture("colour/a/1.png", [1, 1, 3], () => [90, 90, 90]);
  const open = (path: string, shape: readonly [number, number, number]) =>
    encoded(
      dataSpec({ kind: "images", path }, { features: { i: feature.image("image", shape) } }),
      base,
      "i",
    );
  expect(await open("grey", [1, 2, 3])).toEqual([0, 0, 0, 200, 200, 200]);
  expect(await open("colour", [1, 1, 1])).toEqual([90]);
});

it("turns photographs upright", async () => {
  const upright = await sharp(Uint8Array.of(255, 255, 255, 0, 0, 0), {
    raw: { width: 2, height: 1, channels: 3 },
  })
    .withMetadata({ orientation: 6 })
    .png()
    .toBuffer();
  put(base, "exif/a/1.png", upright);
  const spec = dataSpec(
    { kind: "images", path: "exif" },
    { features: { i: feature.image("image", [2, 1, 3]) } },
  );
  expect(await encoded(spec, base, "i")).toEqual([255, 255, 255, 0, 0, 0]);
});

it("refuses another size, and resizes when told to", async () => {
  await picture("sizes/a/1.png", [4, 4, 3], () => [70, 80, 90]);
  const open = (resize: boolean) =>
    encoded(
      dataSpec(
        { kind: "images", path: "sizes" },
        { features: { i: feature.image("image", [1, 2, 3], resize) } },
      ),
      base,
      "i",
    );
  const error = await failure(open(false));
  expect(error).toMatchObject({ code: "data-shape-mismatch", place: "sizes/a/1.png" });
  expect(error.message).toContain("[4, 4, 3]");
  expect(await open(true)).toEqual([70, 80, 90, 70, 80, 90]);
});

it("resizes stored arrays, too", async () => {
  const { idxFile } = await import("./support.js");
  const file = put(base, "i.idx", idxFile(8, [2, 2, 2], Buffer.from([5, 5, 5, 5, 9, 9, 9, 9])));
  const spec = dataSpec(
    { kind: "idx", files: { i: file } },
    { features: { i: feature.image("i", [3, 1, 1], true) } },
  );
  expect(await encoded(spec, base, "i")).toEqual([5, 5, 5, 9, 9, 9]);
});

it("refuses damaged images at every length and names the file", async () => {
  const noise = (y: number, x: number): number[] => [
    (y * 37 + x * 101) % 256,
    (y * x * 13) % 256,
    (x * 7) % 256,
  ];
  for (const format of ["png", "jpeg", "webp"] as const) {
    const path = `damaged-${format}`;
    await picture(`${path}/a/1.${format}`, [16, 16, 3], noise, format);
    const { readFileSync } = await import("node:fs");
    const whole = readFileSync(join(base, `${path}/a/1.${format}`));
    for (let i = 0; i <= 8; i++) {
      put(base, `${path}/a/1.${format}`, whole.subarray(0, Math.floor((whole.length * i) / 10)));
      const spec = dataSpec(
        { kind: "images", path },
        { features: { i: feature.image("image", [16, 16, 3]) } },
      );
      const error = await failure(encoded(spec, base, "i"));
      expect(error).toMatchObject({ code: "image-unreadable", place: `${path}/a/1.${format}` });
    }
  }
});

it("refuses other formats behind the name of an image", async () => {
  put(
    base,
    "svg/a/1.png",
    '<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>',
  );
  const spec = dataSpec(
    { kind: "images", path: "svg" },
    { features: { i: feature.image("image", [9, 9, 3]) } },
  );
  expect((await failure(encoded(spec, base, "i"))).code).toBe("image-unreadable");
});

it("refuses a picture of a gigapixel without decoding it", async () => {
  put(base, "bomb/a/1.png", pngOf(60_000, 60_000));
  const spec = dataSpec(
    { kind: "images", path: "bomb" },
    { features: { i: feature.image("image", [8, 8, 1], true) } },
  );
  const before = process.memoryUsage().rss;
  expect((await failure(encoded(spec, base, "i"))).code).toBe("image-unreadable");
  expect(process.memoryUsage().rss - before).toBeLessThan(256e6);
});

it("refuses empty class folders and folders without classes", async () => {
  mkdirSync(join(base, "half/empty"), { recursive: true });
  await picture("half/full/1.png", [1, 1, 3], () => [0, 0, 0]);
  const open = (path: string) => failure(read({ kind: "images", path }, base, ["label"]));
  expect(await open("half")).toMatchObject({ code: "empty-class", place: "half/empty" });
  expect((await open("half/full")).code).toBe("no-rows");
  expect((await open("nowhere")).code).toBe("data-file-missing");
});

it("finds images in subfolders and behind links, each once, in the same order everywhere", async () => {
  await picture("deep/cat/b/2.png", [1, 1, 3], () => [2, 0, 0]);
  await picture("deep/cat/a.png", [1, 1, 3], () => [1, 0, 0]);
  await picture("elsewhere/one.png", [1, 1, 3], () => [3, 0, 0]);
  symlinkSync(join(base, "elsewhere"), join(base, "deep/dog"));
  symlinkSync(join(base, "elsewhere/one.png"), join(base, "deep/cat/c.png"));
  symlinkSync(join(base, "deep/cat"), join(base, "deep/cat/b/round"));
  const { image, label } = await read({ kind: "images", path: "deep" }, base, ["image", "label"], {
    image: { shape: [1, 1, 3], resize: false },
  });
  expect(valuesOf(label)).toEqual(["cat", "cat", "cat", "dog"]);
  expect([0, 1, 2, 3].map((row) => image?.place(row))).toEqual([
    "deep/cat/a.png",
    "deep/cat/b/2.png",
    "deep/cat/c.png",
    "deep/dog/one.png",
  ]);
  symlinkSync("nowhere", join(base, "deep/cat/d.png"));
  const broken = await failure(read({ kind: "images", path: "deep" }, base, ["label"]));
  expect(broken).toMatchObject({ code: "data-file-unreadable", place: "deep/cat/d.png" });
});

describe("the headers", () => {
  const features = { i: feature.image("image", [2, 3, 3]) };
  const check = async (path: string, onNote?: (message: string) => void) =>
    checkData(dataSpec({ kind: "images", path }, { features }), {
      base,
      ...(onNote === undefined ? {} : { onNote }),
    });

  it("of all images are looked at before training", async () => {
    await picture("sizes/a/1.png", [2, 3, 3], () => [0, 0, 0]);
    await picture("sizes/a/2.png", [2, 4, 3], () => [0, 0, 0]);
    expect(await check("sizes")).toMatchObject([
      { code: "data-shape-mismatch", place: "sizes/a/2.png", path: "features.i" },
    ]);
    await picture("broken/a/1.png", [2, 3, 3], () => [0, 0, 0]);
    put(base, "broken/a/2.png", "not an image");
    put(base, "broken/a/3.png", "nor this");
    expect(await check("broken")).toMatchObject([
      { code: "image-unreadable", place: "broken/a/2.png" },
    ]);
  });

  it("of very many are looked at in part, which is said", async () => {
    await picture("many/a/0.png", [2, 3, 3], () => [0, 0, 0]);
    for (let i = 1; i <= 500; i++) {
      symlinkSync(join(base, "many/a/0.png"), join(base, `many/a/${i}.png`));
    }
    const notes: string[] = [];
    expect(await check("many", (note) => notes.push(note))).toEqual([]);
    expect(notes).toEqual(["500 images of 501 images were looked at"]);
    expect(await check("pets", (note) => notes.push(note))).toEqual([]);
    expect(notes).toHaveLength(1);
  });
});

/** A grey PNG of this size whose rows are all zero: a few bytes that decode to gigabytes. */
function pngOf(width: number, height: number): Buffer {
  const chunk = (type: string, body: Buffer): Buffer => {
    const name = Buffer.from(type);
    const out = Buffer.alloc(12 + body.length);
    out.writeUInt32BE(body.length, 0);
    name.copy(out, 4);
    body.copy(out, 8);
    out.writeUInt32BE(crc(Buffer.concat([name, body])), 8 + body.length);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.writeUInt8(8, 8);
  const body = deflateSync(Buffer.alloc(1 << 20));
  const magic = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    magic,
    chunk("IHDR", head),
    chunk("IDAT", body),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function crc(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of bytes) {
    c ^= byte;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  }
  return (c ^ 0xffffffff) >>> 0;
}
