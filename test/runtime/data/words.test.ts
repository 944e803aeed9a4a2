/** @file Captions: text in the place of a column's labels. */
import { describe, expect, it } from "vitest";
import {
  checkData,
  createBatches,
  encodeInputs,
  fitFacts,
  openData,
} from "../../../runtime/data/index.js";
import type { DataSpec, FeatureSpec } from "../../../runtime/spec.js";
import { csvSource, dataSpec, failure, folder, idxFile, put } from "./support.js";

const base = folder();

const caption = (words: Readonly<Record<string, string>>, column = "label"): FeatureSpec => ({
  ...{ type: "text", column, tokens: "word", length: 3, vocabulary: 20 },
  ...{ lowercase: false, end: false, truncate: false, unknown: "error", words },
});

const numbered = put(base, "labels.idx", idxFile(8, [4], Uint8Array.of(7, 3, 7, 0)));
const ofNumbers = (words: Readonly<Record<string, string>>): DataSpec =>
  dataSpec({ kind: "idx", files: { label: numbered } }, { features: { t: caption(words) } });

async function textsOf(spec: DataSpec): Promise<string[]> {
  const facts = await fitFacts(spec, { base });
  const data = await openData(spec, facts, { base });
  const batches = createBatches(data, "train", { batch: 100, seed: 1, epoch: 0, shuffle: false });
  const { data: ids = [], shape = [] } = (await batches.next())?.inputs.t ?? {};
  const said = [...ids].map((id) => (id === 0 ? "" : facts.t?.vocabulary?.[id]));
  return Array.from({ length: shape[0] ?? 0 }, (_, i) =>
    said
      .slice(3 * i, 3 * i + 3)
      .join(" ")
      .trim(),
  );
}

describe("words", () => {
  const words = { "0": "zero", "3": "a three", "7": "the digit seven", "9": "nine" };

  it("stand for numbers", async () => {
    expect(await checkData(ofNumbers(words), { base })).toEqual([]);
    expect(await textsOf(ofNumbers(words))).toEqual([
      "the digit seven",
      "a three",
      "the digit seven",
      "zero",
    ]);
  });

  it("stand for text", async () => {
    const path = put(base, "animals.csv", "label\nc\nd\n");
    const features = { t: caption({ c: "a cat", d: "a dog" }) };
    expect(await textsOf(dataSpec(csvSource(path), { features }))).toEqual(["a cat", "a dog"]);
  });

  it("are needed for every value", async () => {
    const error = await failure(fitFacts(ofNumbers({ "7": "seven", "0": "zero" }), { base }));
    expect(error).toMatchObject({ code: "unknown-label", message: `"3" has no words for 't'` });
    expect(error.place).toContain("labels.idx, record 1");
    expect(error.help).toBe("There are words for: 0, 7. Add it to 'words', or correct the data.");
  });

  it("do not stand for what objects have by nature", async () => {
    const path = put(base, "odd.csv", "label\nconstructor\nd\n");
    const features = { t: caption({ d: "a dog" }) };
    const error = await failure(fitFacts(dataSpec(csvSource(path), { features }), { base }));
    expect(error.message).toBe(`"constructor" has no words for 't'`);
  });

  it("are for single values", async () => {
    const images = put(base, "images.idx", idxFile(8, [2, 2, 2], new Uint8Array(8)));
    const spec = dataSpec(
      { kind: "idx", files: { label: images } },
      { features: { t: caption(words) } },
    );
    expect((await failure(fitFacts(spec, { base }))).code).toBe("data-shape-mismatch");
  });

  it("are what callers of the package give", async () => {
    const spec = ofNumbers(words);
    const facts = await fitFacts(spec, { base });
    const infer = { inputs: { t: { dtype: "i32", shape: ["n", 3] } } } as const;
    const model = { data: spec, facts, programs: { infer } } as never;
    const { t } = await encodeInputs(model, [{ t: "a seven" }]);
    const ids = ["a", "seven"].map((word) => facts.t?.vocabulary?.indexOf(word));
    expect([...(t?.data ?? [])]).toEqual([...ids, 0]);
    await expect(encodeInputs(model, [{ t: "a cat" }])).rejects.toMatchObject({
      code: "unknown-token",
    });
  });
});
