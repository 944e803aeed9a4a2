/** @file examples/browser as its user sees it: trained, paused, drawn on, its weights kept. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createServer } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildModel, buildPage, example, workFolder } from "./support/build-page.js";
import { type Browser, launch, openPage, type Page } from "./support/chromium.js";
import { type PageServer, servePages } from "./support/server.js";

const built = workFolder();
const downloads = workFolder();
const cache = workFolder();
let server: PageServer;
let browser: Browser;
beforeAll(async () => {
  await buildModel();
  // Without the headers that isolate a page: one thread.
  await buildPage(example, built);
  server = await servePages(built, false);
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

const status = (page: Page): Promise<string | null> => page.textContent("#status");

async function says(page: Page, id: string, text: RegExp): Promise<string> {
  const place = page.locator(`#${id}`, { hasText: text });
  await place.waitFor({ timeout: 120_000 });
  return (await place.textContent()) ?? "";
}

async function choose(page: Page, examples: string, epochs: string): Promise<void> {
  await page.selectOption("#examples", examples);
  await page.fill("#epochs", epochs);
  await page.dispatchEvent("#epochs", "change");
}

/** Draws a seven and returns what the page says it is. */
async function drawSeven(page: Page): Promise<string> {
  await page.click("#clear");
  const box = await page.locator("#pad").boundingBox();
  if (box === null) throw new Error("there is nothing to draw on");
  const move = (x: number, y: number) =>
    page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: 8 });
  await move(0.3, 0.25);
  await page.mouse.down();
  await move(0.7, 0.25);
  await move(0.45, 0.8);
  await page.mouse.up();
  // The answer follows the last stroke.
  await page.waitForTimeout(1000);
  return says(page, "answer", /./);
}

/** Whether the chart shows lines in the colours of its legend. */
const chartColors = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>("#chart");
    const pixels = canvas?.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data;
    const colors = new Set<number>();
    for (let i = 0; pixels !== undefined && i < pixels.length; i += 4) {
      if (pixels[i + 3] === 255)
        colors.add((pixels[i]! << 16) | (pixels[i + 1]! << 8) | pixels[i + 2]!);
    }
    return [0xc2410c, 0x1d4ed8].filter((color) => colors.has(color)).length;
  });

describe("examples/browser", () => {
  it("trains, pauses, goes on after a reload, and reads a drawing", async () => {
    const { page, errors } = await openPage(browser, server.url);
    expect(await drawSeven(page)).toMatch(/Train the network first/);
    await choose(page, "500", "30");
    await page.click("#start");
    await says(page, "status", /Epoch (?!1 )\d+ of 30/);
    await page.click("#start");
    expect(await says(page, "status", /Paused/)).toMatch(/\d+ epochs, \d+ steps/);
    expect(await page.textContent("#start")).toBe("Continue");
    expect(await chartColors(page)).toBe(2);

    await page.reload();
    await choose(page, "500", "30");
    await page.click("#start");
    const end = await says(page, "status", /Trained/);
    expect(end).toMatch(/30 epochs, 120 steps.*onnx:cpu, 1 thread /);
    expect(Number(/([\d.]+) % right/.exec(end)?.[1])).toBeGreaterThan(80);
    expect(await chartColors(page)).toBe(2);
    expect(await drawSeven(page)).toMatch(/^That is a 7/);
    expect(errors).toEqual([]);
  });

  it("downloads weights and opens them, saves them in the browser and loads them", async () => {
    const { page, errors } = await openPage(browser, server.url);
    await choose(page, "500", "3");
    await page.click("#start");
    await says(page, "status", /Trained/);
    const answer = await drawSeven(page);
    const path = join(downloads, "weights.safetensors");
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#download")]);
    expect(download.suggestedFilename()).toBe("mnist-cnn.safetensors");
    await download.saveAs(path);
    // 34,826 numbers of four bytes, and what they are called.
    expect(readFileSync(path).length).toBeGreaterThan(139_304);
    await page.click("#save");
    await says(page, "kept", /Saved/);

    await page.reload();
    expect(await drawSeven(page)).toMatch(/Train the network first/);
    await page.setInputFiles("#file", path);
    await says(page, "kept", /Opened weights.safetensors/);
    expect(await drawSeven(page)).toBe(answer);

    await page.reload();
    await page.click("#restore");
    await says(page, "kept", /Loaded/);
    expect(await drawSeven(page)).toBe(answer);

    await page.setInputFiles("#file", join(example, "package.json"));
    expect(await says(page, "kept", /weights/)).toMatch(/not|damaged/);
    expect(errors).toEqual([]);
  });

  it("runs from Vite's development server, too", async () => {
    const development = await createServer({
      root: example,
      configFile: false,
      logLevel: "error",
      cacheDir: cache,
      server: { host: "127.0.0.1", port: 0 },
    });
    try {
      await development.listen();
      const url = development.resolvedUrls?.local[0];
      if (url === undefined) throw new Error("Vite has no address");
      const { page, errors } = await openPage(browser, url);
      await says(page, "status", /Ready/);
      await choose(page, "500", "1");
      await page.click("#start");
      await says(page, "status", /Trained/);
      expect(await status(page)).toMatch(/1 epochs, 4 steps/);
      expect(errors).toEqual([]);
    } finally {
      await development.close();
    }
  });
});
