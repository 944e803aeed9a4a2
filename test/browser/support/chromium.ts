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

/** A page, and the errors that it told its console. Its storage is its own and ends with it. */
export async function openPage(browser: Browser, url: string) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  await page.goto(url);
  return { page, errors };
}

type Call = (...args: never[]) => unknown;

/** Calls what the page offers to tests as `dlc`; arguments and result are JSON. */
export function call<
  Api extends Readonly<Record<keyof Api, Call>>,
  Name extends keyof Api & string,
>(page: Page, name: Name, ...args: Parameters<Api[Name]>): Promise<Awaited<ReturnType<Api[Name]>>> {
  return page.evaluate(
    ([called, given]) => {
      const { dlc } = globalThis as unknown as {
        dlc: Record<string, (...all: unknown[]) => never>;
      };
      return dlc[called as string]?.(...(given as unknown[]));
    },
    [name, args] as const,
  ) as Promise<Awaited<ReturnType<Api[Name]>>>;
}

/** Resolves when the page has what it offers to tests. */
export const ready = (page: Page): Promise<unknown> =>
  page.waitForFunction(() => "dlc" in globalThis);

export type { Browser, Page };
