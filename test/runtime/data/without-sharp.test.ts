/** @file Images where the optional package sharp is not installed. */
import { expect, it, vi } from "vitest";
import { checkData, openData } from "../../../runtime/data/index.js";
import { dataSpec, failure, feature, folder, put } from "./support.js";

vi.mock("sharp", () => {
  throw Object.assign(new Error("Cannot find package 'sharp'"), { code: "ERR_MODULE_NOT_FOUND" });
});

const base = folder();
const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
put(base, "pets/cat/a.png", png);
const spec = dataSpec(
  { kind: "images", path: "pets" },
  { features: { image: feature.image("image", [2, 3, 3]) } },
);

it("says what to install, while checking and while training", async () => {
  const [problem, ...others] = await checkData(spec, { base });
  expect(others).toEqual([]);
  expect(problem).toMatchObject({
    code: "image-library-missing",
    help: "Install it: npm install sharp",
  });
  expect(await failure(openData(spec, {}, { base }))).toMatchObject({
    code: "image-library-missing",
    reason: "environment",
  });
});
