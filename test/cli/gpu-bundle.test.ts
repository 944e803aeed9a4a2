/** @file The GPU benchmark's bundle: is everything in it that it runs, and nothing else? */
import { describe, expect, it } from "vitest";
import { contents, missingImports } from "../../bench/gpu/contents.mjs";

describe("the bundle's files", () => {
  const files = contents();
  const places = files.map(({ to }) => to);

  it("find everything that they import among themselves", () => {
    expect(missingImports(files)).toEqual([]);
  });

  it("would not be complete without any one module of the runtime that another imports", () => {
    const without = files.filter(({ to }) => !to.endsWith("/dist/tensor.js"));
    expect(missingImports(without).length).toBeGreaterThan(0);
  });

  it("are what runs: no types, maps, tests or other platforms", () => {
    expect(places).toContain("bench/gpu/main.mjs");
    expect(places).toContain("bench/gpu/peers/pytorch_gpu.py");
    expect(places).toContain("node_modules/@dlc/runtime/dist/data/worker.js");
    expect(
      places.filter((to) => /\.d\.ts$|\.map$|darwin|win32|arm64|bundle\.mjs/.test(to)),
    ).toEqual([]);
    expect(new Set(places).size).toBe(places.length);
  });
});
