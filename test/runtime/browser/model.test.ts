/** @file A model in a page: weights to and from Node, data in memory, and what only Node can do. */

import { join } from "node:path";
import {
  createModel,
  type DataSpec,
  type FeatureSpec,
  type ModelDefinition,
  shaped,
} from "@dlc/runtime";
import { IDBFactory } from "fake-indexeddb";
import { afterEach, describe, expect, it, vi } from "vitest";
import { pageAccess } from "../../../runtime/browser/data-access.js";
import type { Storage } from "../../../runtime/browser/storage.js";
import { createModel as createPageModel } from "../../../runtime/browser.js";
import { encodeInputsBy } from "../../../runtime/data/encode-inputs.js";
import { encodeInputs } from "../../../runtime/data/index.js";
import { openModelData } from "../../../runtime/model/data.js";
import { loadOn, sites, tinyColumns } from "../../support/page.js";
import { tinyModel } from "../../support/tiny-model.mjs";
import { engine, fingerprint, runFolders } from "../../support/tiny-runs.js";

const definition = tinyModel({ settings: { epochs: 2 } });
const data = { train: tinyColumns(52, 1), validation: tinyColumns(20, 2) };
const newRun = runFolders();
afterEach(() => vi.unstubAllGlobals());

async function trainedOn(storage: Storage) {
  const model = await loadOn(storage, definition);
  await model.train({ data, run: "runs/a" });
  return model;
}

describe.each(Object.entries(sites))("weights in %s", (_, newSite) => {
  it("go to Node and back, as bytes, files and names", async () => {
    const open = newSite();
    const page = await trainedOn(open());
    const bytes = await page.save();
    const expected = fingerprint(await page.read());
    const file = join(newRun(), "weights.safetensors");
    const node = await createModel(definition, { engine, weights: bytes });
    expect(fingerprint(await node.read())).toBe(expected);
    expect(await node.save()).toEqual(bytes);
    await node.train({ run: join(file, "..", "run"), data, settings: { epochs: 1 } });
    await node.save(file);
    const fromFile = await createModel(definition, { engine, weights: file });
    const trained = fingerprint(await fromFile.read());

    await page.save("./mine.safetensors");
    const forms = [bytes, new Blob([Uint8Array.from(bytes)]), Uint8Array.from(bytes).buffer];
    for (const weights of [...forms, "mine.safetensors", "runs/a", "runs/a/last"]) {
      const again = await loadOn(open(), definition, weights);
      expect(fingerprint(await again.read())).toBe(expected);
    }
    const back = await loadOn(open(), definition, await fromFile.save());
    expect(fingerprint(await back.read())).toBe(trained);
  });

  it("that are missing, wrong or of another model are errors with a place", async () => {
    const open = newSite();
    const page = await trainedOn(open());
    const bytes = await page.save();
    const given = "the bytes passed as weights";
    const cut = bytes.slice(0, -1);
    const other = tinyModel({ ema: true, settings: { epochs: 2 } });
    const failing = (weights: unknown, of: ModelDefinition = definition) =>
      expect(loadOn(open(), of, weights as string)).rejects;
    await failing(cut).toMatchObject({ code: "damaged-weights", place: given });
    await failing(new Blob([cut])).toMatchObject({ code: "damaged-weights", place: given });
    await failing(new Uint8Array()).toMatchObject({ code: "damaged-weights", place: given });
    await failing(7).toMatchObject({ code: "bad-input", place: "weights" });
    await failing("runs/b").toMatchObject({ code: "weights-not-found", place: "runs/b" });
    await failing("runs/b/best").toMatchObject({ code: "weights-not-found", place: "runs/b/best" });
    await failing("runs/a", other).toMatchObject({ code: "foreign-checkpoint" });
    await open().change({ "cut.safetensors": cut });
    await failing("cut.safetensors").toMatchObject({
      code: "damaged-weights",
      place: "cut.safetensors",
    });
    await expect(page.save("runs/a")).rejects.toMatchObject({ code: "file-operation-failed" });
    await page.save("mine");
    await expect(page.train({ data, run: "mine" })).rejects.toMatchObject({
      code: "not-a-run-folder",
      place: "mine",
    });
  });
});

it("the entry of pages trains on an engine of the browser and keeps its run", async () => {
  vi.stubGlobal("indexedDB", new IDBFactory());
  const options = { engine: "tfjs", device: "cpu" };
  const model = await createPageModel(definition, options);
  const result = await model.train({ data });
  expect(result).toMatchObject({ status: "finished", run: `runs/${definition.name}` });
  const again = await createPageModel(definition, { ...options, weights: result.run });
  expect(fingerprint(await again.read())).toBe(fingerprint(await model.read()));
  const { loss } = await again.evaluate({ data: data.validation });
  expect(loss).toBeCloseTo(Number(result.history.at(-1)?.validation?.loss), 5);
  await Promise.all([model.dispose(), again.dispose()]);
});

const picture = (channels: number, resize = false): FeatureSpec =>
  ({ type: "image", column: "p", shape: [2, 2, channels], resize }) as unknown as FeatureSpec;
const pictures = (feature: FeatureSpec): DataSpec => ({
  ...(definition.data as DataSpec),
  features: { p: feature },
  targets: {},
});
/** White, black, red and a half transparent grey. */
const canvas = {
  width: 2,
  height: 2,
  data: Uint8ClampedArray.of(255, 255, 255, 255, 0, 0, 0, 255, 255, 0, 0, 255, 99, 99, 99, 128),
};

it.each([
  [1, [255, 0, 127, 99]],
  [3, [255, 255, 255, 0, 0, 0, 255, 0, 0, 99, 99, 99]],
  [4, [...canvas.data]],
])(
  "takes a canvas's pixels for an image of %i channels, to predict and to train",
  async (c, pixels) => {
    const spec = pictures(picture(c));
    const rows = [{ p: canvas }, { p: shaped([2, 2, c], Uint8Array.from(pixels)) }];
    for (const encode of [encodeInputs, encodeInputsBy.bind(null, pageAccess.pictures)]) {
      const { p } = await encode({ data: spec, facts: {} }, rows);
      expect(Array.from(p?.data ?? [])).toEqual([...pixels, ...pixels]);
    }
    const opened = await openModelData(pageAccess, { data: spec, facts: {} } as ModelDefinition, {
      ...{ base: "", splits: ["train"], single: "train" },
      examples: { p: rows.map(({ p }) => p) },
    });
    expect(Array.from(opened.splits.train?.table.columns.p?.data ?? [])).toEqual([
      ...pixels,
      ...pixels,
    ]);
  },
);

it("says of files, encoded images and resizing that a browser cannot", async () => {
  const refused = { code: "not-in-browser", help: expect.stringContaining("shaped(") };
  const encode = (value: unknown, feature = picture(1)) =>
    encodeInputsBy(pageAccess.pictures, { data: pictures(feature), facts: {} }, [{ p: value }]);
  await expect(encode("cat.png")).rejects.toMatchObject({ ...refused, place: "input 'p'" });
  const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0);
  await expect(encode(png)).rejects.toMatchObject(refused);
  const large = shaped([4, 4, 1], new Uint8Array(16));
  await expect(encode(large, picture(1, true))).rejects.toMatchObject(refused);

  const storage = (sites.memory as () => () => Storage)()();
  const source = { kind: "csv", path: "a.csv" } as unknown as DataSpec["source"];
  const ofFiles = { ...definition, data: { ...(definition.data as DataSpec), source } };
  const model = await loadOn(storage, ofFiles);
  await expect(model.train()).rejects.toMatchObject({
    code: "not-in-browser",
    place: "data.source",
    help: expect.stringContaining("train({ data"),
  });
  const initial = { from: "old.safetensors", tensors: {} };
  const started = await loadOn(storage, { ...definition, initial });
  await expect(started.train({ data })).rejects.toMatchObject({
    code: "not-in-browser",
    place: "init",
  });
});
