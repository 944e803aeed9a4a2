/** @file The tfjs engine where a package that it needs is not installed. */
import { createEngine, DlcError, engineEntries } from "@dlc/runtime";
import { expect, it, vi } from "vitest";

vi.mock("@tensorflow/tfjs-backend-cpu", () => {
  throw new Error("Cannot find package '@tensorflow/tfjs-backend-cpu'");
});

const command = "npm install @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-backend-cpu@4.22.0";
const entry = engineEntries.find(({ name }) => name === "tfjs");

it("is absent, and its fix installs every package that the device needs", async () => {
  expect(await entry?.probe("cpu")).toMatchObject({ availability: "absent", fix: command });
});

it.for([
  ["start", () => entry?.start("cpu", { threads: 1 })],
  ["createEngine", () => createEngine({ engine: "tfjs", device: "cpu" })],
] as const)("makes %s fail as a matter of the environment, with that fix", async ([, start]) => {
  const error = await Promise.resolve(start()).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DlcError);
  expect(error).toMatchObject({ code: "engine-missing", reason: "environment" });
  expect((error as DlcError).help).toContain(command);
});
