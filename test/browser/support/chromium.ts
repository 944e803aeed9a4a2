/** @file Chromium as tests use it: without a GPU, or with one of software. */
import { type Browser, chromium, type Page } from "playwright-core";

export const chromiumPath = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";

const quiet = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** What the page may find: nothing, or SwiftShader, an emulation. */
const gpus = {
  none: ["--disable-gpu"],
  software: [
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
    "--enable-features=Vulkan",
    "--ignore-gpu-blocklist",
  ],
} as const;

/** With a profile folder of its own, which ends with it. */
export const launch = (gpu: keyof typeof gpus = "none"): Promise<Browser> =>
  chromium.launch({ executablePath: chromiumPath, args: [...quiet, ...gpus[gpu]] });

/** A page whose errors fail the test: they are kept in `errors`. */
export async function openPage(browser: Browser, url: string) {
  const context = await browser.newContext({ acceptDownloads: true });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  await page.goto(url);
  return { page, errors };
}

export type { Browser, Page };
