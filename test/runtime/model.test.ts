/** @file The model as its users call it: train, evaluate, predict, save and load, with data in memory. */
import { join } from "node:path";
import {
  type CategoryInput,
  type CategoryOutput,
  createModel,
  type DataSpec,
  type DlcError,
  type FeatureSpec,
  type HeadSpec,
  type HostTensor,
  type ImageInput,
  type Model,
  type ModelDefinition,
  type SequenceInput,
  shaped,
  type VectorInput,
} from "@dlc/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeOutputs } from "../../runtime/model/decode.js";
import { tinyModel, tinyPoints } from "../support/tiny-model.mjs";
import { engine, fingerprint, runFolders } from "../support/tiny-runs.js";

type Color = "red" | "green" | "blue";
interface Types {
  readonly input: { readonly x: VectorInput<readonly [2]> };
  readonly target: { readonly y: CategoryInput<Color> };
  readonly output: CategoryOutput<Color>;
  readonly metrics: { readonly loss: number; readonly accuracy: number };
}

const colors: readonly Color[] = ["red", "green", "blue"];
function examples(size: number, seed: number) {
  const { x, y } = tinyPoints(size, seed);
  return {
    x: Array.from(y, (_, i): readonly [number, number] => [
      x[2 * i] as number,
      x[2 * i + 1] as number,
    ]),
    y: Array.from(y, (i) => colors[i] as Color),
  };
}
const newRun = runFolders();
const training = { train: examples(90, 1), validation: examples(40, 2) };
const test = examples(50, 3);
const definition = tinyModel({ ema: true, settings: { epochs: 12 } });
const load = (weights?: string): Promise<Model<Types>> =>
  createModel<Types>(definition, { engine, weights });

let model: Model<Types>;
let run: string;
beforeAll(async () => {
  run = newRun();
  model = await load();
  await model.train({ run, data: training });
});
afterAll(() => model.dispose());

describe("a model", () => {
  it("predicts a label and the probabilities of all classes", async () => {
    const { label, probabilities } = await model.predict({ x: [1, 0] });
    expect(label).toBe("red");
    expect(Object.keys(probabilities)).toEqual(colors);
    expect(Object.values(probabilities).reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    expect(probabilities.red).toBe(Math.max(...Object.values(probabilities)));
  });

  it("predicts any number of examples as it predicts each alone", async () => {
    const inputs = Array.from({ length: 300 }, (_, i) => ({
      x: test.x[i % 50] as readonly [number, number],
    }));
    const together = await model.predict(inputs);
    expect(together).toHaveLength(300);
    for (const at of [0, 49, 255, 256, 299]) {
      expect(await model.predict(inputs[at] as (typeof inputs)[0])).toEqual(together[at]);
    }
    expect(await model.predict([])).toEqual([]);
  });

  it("evaluates data in memory, in agreement with its predictions", async () => {
    const result = await model.evaluate({ data: test });
    const predictions = await model.predict(test.x.map((x) => ({ x })));
    const hits = predictions.filter(({ label }, i) => label === test.y[i]).length;
    expect(result).toMatchObject({ split: "test", examples: 50 });
    expect(result.metrics.accuracy).toBeCloseTo(hits / 50, 12);
    expect(result.metrics.accuracy).toBeGreaterThan(0.85);
    const logs = predictions.map(({ probabilities }, i) =>
      Math.log(probabilities[test.y[i] as Color]),
    );
    expect(result.loss).toBeCloseTo(-logs.reduce((a, b) => a + b) / 50, 5);
    expect(result.metrics.loss).toBe(result.loss);
    const { classes, counts } = result.confusion.color!;
    expect(classes).toEqual(colors);
    expect(counts.map((row, i) => row[i]).reduce((a, b) => Number(a) + Number(b))).toBe(hits);
  });

  it("evaluates the split that is asked for", async () => {
    const result = await model.evaluate({ split: "validation", data: training });
    expect(result).toMatchObject({ split: "validation", examples: 40 });
  });

  it("predicts the same after it was saved and loaded", async () => {
    const file = join(run, "..", "model.safetensors");
    await model.save(file);
    const input = { x: test.x[0] as readonly [number, number] };
    const before = await model.predict(input);
    for (const weights of [file, join(run, "last")]) {
      const again = await load(weights);
      expect(await again.predict(input)).toEqual(before);
      expect(fingerprint(await again.read())).toBe(fingerprint(await model.read()));
      await again.dispose();
    }
  });

  it("says where its weights are from", async () => {
    const loaded = await load(run);
    expect(loaded.weights).toMatchObject({ sameSpec: true });
    expect(loaded.weights?.path).toContain("checkpoints");
    expect(model.weights?.step).toBe(6 * 12);
    await loaded.dispose();
  });

  it("goes on training from loaded weights", async () => {
    const loaded = await load(run);
    const result = await loaded.train({ run: newRun(), data: training, settings: { epochs: 1 } });
    const fresh = await load();
    const first = await fresh.train({ run: newRun(), data: training, settings: { epochs: 1 } });
    expect(Number(result.history[0]?.train.loss)).toBeLessThan(
      Number(first.history[0]?.train.loss),
    );
    await loaded.dispose();
    await fresh.dispose();
  });

  it("continues a run that it has begun: from fresh weights or from loaded ones", async () => {
    for (const begin of [load(), load(run)]) {
      const again = await begin;
      const call = { run: newRun(), data: training };
      await again.train({ ...call, settings: { epochs: 1 } });
      const result = await again.train({ ...call, settings: { epochs: 2 } });
      expect(result.history.map(({ epoch }) => epoch)).toEqual([1, 2]);
      await again.dispose();
    }
  });

  it("takes data as flat arrays with a shape, too", async () => {
    const flat = {
      x: { shape: [50, 2], data: Float32Array.from(test.x.flat()) },
      y: test.y,
    };
    const items = { x: test.x.map((x) => shaped([2], Float32Array.from(x))), y: test.y };
    const expected = await model.evaluate({ data: test });
    expect(await model.evaluate({ data: flat })).toEqual(expected);
    expect(await model.evaluate({ data: items })).toEqual(expected);
  });

  it("takes a vector whole even where the spec reads it from several columns", async () => {
    const { data } = definition;
    const columns = ["east", "north"];
    const x = { type: "vector", columns, shape: [2], scale: "none" } as const;
    const y = { ...data!.targets.y!, column: "answer" };
    const renamed: ModelDefinition = {
      ...definition,
      data: { ...data!, features: { x }, targets: { y } as never },
    };
    const other = await createModel<Types>(renamed, { engine, weights: run });
    expect((await other.evaluate({ data: test })).loss).toBe(
      (await model.evaluate({ data: test })).loss,
    );
    await other.dispose();
  });
});

describe("a model refuses", () => {
  it("to predict before it has weights", async () => {
    const untrained = await load();
    await expect(untrained.predict({ x: [0, 0] })).rejects.toMatchObject({ code: "untrained" });
    await expect(untrained.evaluate({ data: test })).rejects.toMatchObject({ code: "untrained" });
    await expect(untrained.save("x")).rejects.toMatchObject({ code: "untrained" });
    await untrained.dispose();
  });

  const wrong: Readonly<Record<string, readonly [input: unknown, code: string]>> = {
    "a missing feature": [{}, "input-missing"],
    "an unknown feature": [{ x: [0, 0], z: 1 }, "unknown-input"],
    "too few numbers": [{ x: [1] }, "data-shape-mismatch"],
    "another shape": [{ x: shaped([1, 2], [1, 2]) }, "data-shape-mismatch"],
    "text for a number": [{ x: [1, "2"] }, "not-a-number"],
    NaN: [{ x: [1, Number.NaN] }, "missing-value"],
    "no array at all": [{ x: "red" }, "data-shape-mismatch"],
    null: [{ x: null }, "input-missing"],
    nothing: [null, "data-shape-mismatch"],
    "one bad example of several": [[{ x: [0, 0] }, { x: [0] }], "data-shape-mismatch"],
  };
  it.each(Object.entries(wrong))("%s", async (_, [input, code]) => {
    await expect(model.predict(input as never)).rejects.toMatchObject({ code });
  });

  it("examples of different shapes in one column", async () => {
    const x = [shaped([2], [1, 2]), shaped([3], [1, 2, 3])];
    const data = { x, y: ["red", "blue"] };
    await expect(model.evaluate({ data: data as never })).rejects.toMatchObject({
      code: "bad-input",
      place: "x, example 2",
    });
  });

  it("options that nothing reads", async () => {
    const refusal = (call: Promise<unknown>): Promise<string> =>
      call.then(
        () => "accepted",
        ({ code, message, help }: DlcError) => `${code}: ${message}. ${help}`,
      );
    const data = training;
    expect(await refusal(model.train({ data, epochs: 1 } as never))).toMatch(
      /^unknown-option: train\(\) has no option 'epochs'\. .*settings: \{ epochs \}/,
    );
    expect(await refusal(model.train({ data, settings: { epoch: 1 } as never }))).toMatch(
      /^unknown-option: the settings of train\(\) have no 'epoch'\. Did you mean 'epochs'\?/,
    );
    expect(await refusal(model.train({ data, onEvents: () => {} } as never))).toContain(
      "Did you mean 'onEvent'?",
    );
    expect(await refusal(model.evaluate({ splits: "test" } as never))).toContain(
      "Did you mean 'split'?",
    );
    expect(await refusal(createModel(definition, { engine, weigths: run } as never))).toMatch(
      /^unknown-option: load\(\) has no option 'weigths'\. Did you mean 'weights'\?/,
    );
    const any = await createModel(definition, { engine });
    expect(await refusal(any.generate({ temprature: 1 } as never))).toContain(
      "Did you mean 'temperature'?",
    );
    expect(await refusal(any.generate())).toContain("untrained");
    await any.dispose();
  });

  it("a flat array that does not say where an example ends, and says how to", async () => {
    const x = Float32Array.from({ length: 6 }, (_, i) => i);
    const y = ["red", "blue", "red"] as const;
    await expect(model.evaluate({ data: { x, y } as never })).rejects.toMatchObject({
      code: "data-shape-mismatch",
      help: "Pass { shape: [3, 2], data }, or a list of examples.",
    });
    const { examples } = await model.evaluate({ data: { x: shaped([3, 2], x), y: [...y] } });
    expect(examples).toBe(3);
  });

  it("everything after it was disposed of, and says so", async () => {
    const gone = await load(run);
    await gone.dispose();
    const said = { code: "untrained", message: expect.stringContaining("was disposed of") };
    await expect(gone.predict({ x: [0, 0] })).rejects.toMatchObject(said);
    await expect(gone.evaluate({ data: test })).rejects.toMatchObject(said);
    await expect(gone.train({ data: training })).rejects.toMatchObject(said);
    await expect(gone.read()).rejects.toMatchObject(said);
    await expect(gone.save("x")).rejects.toMatchObject(said);
  });

  it("data that the spec does not describe or that is not there", async () => {
    const without = await createModel<Types>({ ...definition, data: null }, { engine });
    await expect(without.train({ run: newRun() })).rejects.toMatchObject({ code: "no-data" });
    await expect(model.evaluate()).rejects.toMatchObject({ reason: "failed" });
    const onlyTrain = { train: training.train };
    await expect(model.evaluate({ data: onlyTrain })).rejects.toMatchObject({
      code: "no-examples",
    });
    await without.dispose();
  });
});

describe("decoding", () => {
  const tensor = (shape: readonly number[], data: readonly number[]): HostTensor => ({
    dtype: "f32",
    shape,
    data: Float32Array.from(data),
  });
  const head = (name: string, fields: Partial<HeadSpec>): HeadSpec => ({
    ...{ name, target: name, kind: "value", classes: null, shape: [1] },
    ...fields,
  });

  it("gives a binary head's label, and the probabilities of both classes", () => {
    const spam = head("spam", { kind: "binary", classes: ["ham", "spam"] });
    const [first, second] = decodeOutputs([spam], { spam: tensor([2, 1], [0.25, 0.5]) }, 2);
    expect(first).toEqual({
      label: "ham",
      probability: 0.25,
      probabilities: { ham: 0.75, spam: 0.25 },
    });
    expect(second).toMatchObject({ label: "spam" });
  });

  it("gives a number, or numbers of a shape", () => {
    expect(decodeOutputs([head("v", {})], { v: tensor([1, 1], [3]) }, 1)).toEqual([{ value: 3 }]);
    const [, second] = decodeOutputs(
      [head("v", { shape: [2, 1] })],
      { v: tensor([2, 2, 1], [1, 2, 3, 4]) },
      2,
    );
    expect(second).toEqual({ value: { shape: [2, 1], data: Float32Array.of(3, 4) } });
  });

  it("gives several heads by their names", () => {
    const heads = [head("a", {}), head("b", {})];
    const outputs = { a: tensor([1, 1], [1]), b: tensor([1, 1], [2]) };
    expect(decodeOutputs(heads, outputs, 1)).toEqual([{ a: { value: 1 }, b: { value: 2 } }]);
  });

  describe("of tokens", () => {
    const vocabulary = ["<pad>", "<unknown>", "<start>", "<end>", "a", "b"];
    const verse: FeatureSpec = {
      ...{ type: "text", column: "t", tokens: "char", length: 3, vocabulary: 10 },
      ...{ lowercase: false, end: true, truncate: false, unknown: "replace" },
    };
    const data: DataSpec = {
      ...{ source: { kind: "arrays" }, validation: null, test: null },
      split: { validation: 0, test: 0, method: "random", by: [], seed: 0 },
      ...{ features: {}, targets: { t: verse } },
    };
    const texts = { data, facts: { t: { vocabulary } } };
    const said = (...ids: number[]): HostTensor =>
      tensor(
        [1, 3, 6],
        ids.flatMap((id) => vocabulary.map((_, i) => (i === id ? 0.75 : 0.05))),
      );
    const heads = [head("t", { kind: "tokens", shape: [3, 6] })];

    it("gives the most probable ones up to the end, with their probabilities", () => {
      expect(decodeOutputs(heads, { t: said(4, 5, 3) }, 1, texts)).toEqual([
        { text: "ab", tokens: ["a", "b"], probabilities: [0.75, 0.75] },
      ]);
      expect(decodeOutputs(heads, { t: said(5, 1, 4) }, 1, texts)).toMatchObject([
        { text: "b\ufffda", tokens: ["b", "\ufffd", "a"] },
      ]);
    });

    it("gives an empty text where the end or padding comes first", () => {
      const nothing = { text: "", tokens: [], probabilities: [] };
      expect(decodeOutputs(heads, { t: said(3, 4, 4) }, 1, texts)).toEqual([nothing]);
      expect(decodeOutputs(heads, { t: said(0, 4, 4) }, 1, texts)).toEqual([nothing]);
    });
  });

  it("is not upset by the name of a class", () => {
    const odd = head("o", { kind: "category", classes: ["__proto__", "constructor"], shape: [2] });
    const [output] = decodeOutputs([odd], { o: tensor([1, 2], [0.75, 0.25]) }, 1);
    expect(Object.entries(output?.probabilities as object)).toEqual([
      ["__proto__", 0.75],
      ["constructor", 0.25],
    ]);
  });
});

describe("types", () => {
  it("let the type checker find a changed shape or class", () => {
    const picture: ImageInput<2, 2, 1> = shaped([2, 2, 1], [1, 2, 3, 4]);
    // @ts-expect-error another shape
    const wrong: ImageInput<2, 2, 1> = shaped([2, 2, 2], new Uint8Array(8));
    const vector: VectorInput<readonly [3]> = [1, 2, 3];
    // @ts-expect-error a number is missing
    const short: VectorInput<readonly [3]> = [1, 2];
    const long: VectorInput<readonly [784]> = new Array<number>(784).fill(0);
    const walk: SequenceInput<2> = [
      [1, 2],
      [3, 4],
    ];
    const beats: SequenceInput<1>[] = [[1, 2, 3], Float32Array.of(1), [[1], [2]]];
    const path: SequenceInput<2> = shaped([2, 2], [1, 2, 3, 4]);
    // @ts-expect-error a step has two channels
    const narrow: SequenceInput<2> = [[1]];
    // @ts-expect-error not a class
    const color: CategoryInput<Color> = "purple";
    expect([picture, wrong, vector, short, long, color]).toHaveLength(6);
    expect([walk, beats, path, narrow]).toHaveLength(4);
    expect(() => shaped([2, 2], [1])).toThrow("1 elements do not fill the shape [2, 2]");
  });
});
