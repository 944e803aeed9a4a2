/** @file Every sample of every op on the engines of a page, against the reference meaning. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allSamples } from "../support/op-samples.js";
import type { SamplesPage } from "./pages/samples/main.js";
import { buildPage, page as pageFolder, workFolder } from "./support/build-page.js";
import { type Browser, call, launch, openPage, ready } from "./support/chromium.js";
import { type PageServer, servePages } from "./support/server.js";

const built = workFolder();
beforeAll(() => buildPage(pageFolder("samples"), built));

const tolerance = 1e-5;
/** What WGSL and GLSL promise of sines: 2⁻¹¹ of 1; what SwiftShader has is 1e-4. */
const looseSine = { sin: 2e-4, cos: 2e-4 };

interface Case {
  readonly engine: string;
  readonly device: string;
  readonly gpu: "none" | "software";
  readonly isolated: boolean;
  readonly threads: number;
  readonly loose?: Readonly<Record<string, number>>;
}

const cases: readonly Case[] = [
  { engine: "onnx", device: "cpu", gpu: "none", isolated: false, threads: 1 },
  { engine: "onnx", device: "cpu", gpu: "none", isolated: true, threads: 2 },
  { engine: "tfjs", device: "cpu", gpu: "none", isolated: false, threads: 1 },
  { engine: "onnx", device: "webgpu", gpu: "software", isolated: false, threads: 1 },
  {
    engine: "tfjs",
    device: "webgpu",
    gpu: "software",
    isolated: false,
    threads: 1,
    loose: looseSine,
  },
  {
    engine: "tfjs",
    device: "webgl",
    gpu: "software",
    isolated: false,
    threads: 1,
    loose: looseSine,
  },
];

describe.for(cases)("$engine:$device, isolated: $isolated", (one) => {
  const { engine, device, gpu, isolated, threads, loose = {} } = one;
  let server: PageServer;
  let browser: Browser;
  beforeAll(async () => {
    server = await servePages(built, isolated);
    browser = await launch(gpu);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  it("computes all samples of ops as their reference does", async ({ skip }) => {
    const { page, errors } = await openPage(browser, server.url);
    await ready(page);
    const probe = await call<SamplesPage, "probe">(page, "probe", engine, device);
    if (gpu === "software" && probe.availability === "absent") {
      skip(`SKIPPED ${engine}:${device}: this Chromium does not emulate it (${probe.detail})`);
    }
    expect(probe.availability).toBe(gpu === "none" ? "ready" : "software");
    const { threads: used, results } = await call<SamplesPage, "samples">(
      page,
      "samples",
      engine,
      device,
      2,
    );
    expect(used).toBe(threads);
    expect(results.map(({ title }) => title)).toEqual(allSamples.map(({ title }) => title));
    const wrong = results.filter(
      ({ kind, error, fault }) => fault !== null || !(error < (loose[kind] ?? tolerance)),
    );
    expect(wrong).toEqual([]);
    expect(errors).toEqual([]);
  });
});
