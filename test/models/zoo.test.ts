/** @file The classic networks in `models/zoo` have the published sizes; small ones of them train. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createModel, type Engine, type ModelDefinition } from "@dlc/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEngine } from "../../runtime/engines/index.js";
import { runFolders } from "../support/tiny-runs.js";
import {
  compileZoo,
  examplesOf,
  importModel,
  models,
  publishedSizes,
  takeSteps,
} from "../support/zoo.js";

const published = publishedSizes();
/** The largest networks take seconds to compile, on a busy machine some more. */
const timeout = 180_000;
const folder = runFolders();

let onnx: Engine;
beforeAll(async () => {
  ({ engine: onnx } = await createEngine({ engine: "onnx", device: "cpu", threads: 1 }));
});
afterAll(() => onnx.dispose());

it("lists every network of the zoo, each with a README", () => {
  const folders = readdirSync(join(models, "zoo")).sort();
  expect(published.map(({ name }) => name).sort()).toEqual(folders);
  for (const name of folders) {
    expect([name, existsSync(join(models, "zoo", name, "README.md"))]).toEqual([name, true]);
  }
});

it.each(published)(
  "$name has $parameters trained parameters",
  async ({ name, parameters, without }) => {
    const { state } = await compileZoo(name);
    const weights = Object.values(state).filter(
      ({ role, layer }) => role === "weight" && layer !== without,
    );
    const count = weights.reduce(
      (total, { shape }) => total + shape.reduce((size, dim) => size * dim, 1),
      0,
    );
    expect(count).toBe(parameters);
  },
);

describe("small images", () => {
  it("are learnt by heart by a residual network", { timeout }, async () => {
    const spec = await compileZoo("resnet18", { size: "32", classes: "5" });
    const options = { n: 4, steps: 3, learningRate: 0.005 };
    const definition = await importModel(spec);
    expect(definition.heads).toMatchObject([{ classes: ["0", "1", "2", "3", "4"] }]);
    const { losses, predictions } = await takeSteps(onnx, definition, options);
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(Math.min(...losses.slice(1))).toBeLessThan(losses[0] as number);
    expect(predictions.label?.shape).toEqual([4, 5]);
  });

  it("train a network through the API, as arrays that the program passes", {
    timeout,
  }, async () => {
    const definition = await importModel(await compileZoo("unet", { size: "188", width: "2" }));
    const model = await createModel(definition, { engine: onnx });
    const { features, targets } = definition.data as NonNullable<ModelDefinition["data"]>;
    const data = Object.fromEntries(
      Object.entries({ ...features, ...targets }).map(([name, feature]) => {
        const { data: all, shape } = examplesOf(name, feature, 2);
        const size = all.length / 2;
        const rows = [0, 1].map((i) => ({
          shape: shape.slice(1),
          data: all.slice(i * size, (i + 1) * size),
        }));
        return [name, rows];
      }),
    );
    const { best } = await model.train({
      data: data as never,
      run: folder(),
      settings: { epochs: 1 },
    });
    expect(best).not.toBeNull();
    const prediction = await model.predict({ image: data.image?.[0] } as never);
    expect(prediction).toMatchObject({ value: { shape: [4, 4, 2] } });
    await model.dispose();
  });
});
