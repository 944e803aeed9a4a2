/**
 * @file Every network of `models/zoo` is built, runs forward and takes training steps: at its smallest
 * images, and once at the size of its paper.
 */
import { createEngine, type Engine } from "@dlc/runtime";
import { afterAll, beforeAll, expect, it } from "vitest";
import { compileZoo, importModel, publishedSizes, takeSteps } from "../support/zoo.js";

/** The smallest images that leave something at the last layer, and fewer classes. */
const small: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  lenet5: {},
  alexnet: { size: "67", classes: "10" },
  "inception-v3": { size: "75", classes: "10" },
  unet: { size: "188", width: "8" },
};
const others = { size: "64", classes: "10" };

let engine: Engine;
beforeAll(async () => {
  ({ engine } = await createEngine({}));
});
afterAll(() => engine.dispose());

const names = publishedSizes().map(({ name }) => name);

it.each(names)("%s learns a few small images by heart", async (name) => {
  const definition = await importModel(await compileZoo(name, small[name] ?? others));
  const { losses, predictions } = await takeSteps(engine, definition, {
    n: 4,
    steps: 6,
    learningRate: 1e-4,
  });
  expect(losses.every(Number.isFinite)).toBe(true);
  expect(Math.min(...losses.slice(1))).toBeLessThan(losses[0] as number);
  for (const { data } of Object.values(predictions)) {
    expect([...data].every(Number.isFinite)).toBe(true);
  }
});

it.each(names)("%s takes a step on an image of the paper's size", async (name) => {
  const definition = await importModel(await compileZoo(name));
  const { losses, predictions } = await takeSteps(engine, definition, {
    n: 2,
    steps: 1,
    learningRate: 1e-4,
  });
  expect(losses.every(Number.isFinite)).toBe(true);
  expect(Object.keys(predictions).length).toBe(1);
});
