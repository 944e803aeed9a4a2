/**
 * @file The engines that registry tests run on: `DLC_TEST_ENGINES` names them ("tensorflow:cpu,onnx:webgpu");
 * by default, those that need nothing but npm's packages. One that is named but missing is an error, not a
 * reason to test less.
 */
import { createEngine, type Engine } from "@dlc/runtime";

const named = (byDefault: string): readonly string[] =>
  (process.env.DLC_TEST_ENGINES ?? byDefault).split(",").map((title) => title.trim());

/** In the form `onnx:cpu`: for suites that train. */
export const testEngines = named("onnx:cpu");

/** For the suite of all ops, which takes each of them half a second. */
export const opTestEngines = named("onnx:cpu,tfjs:cpu,tfjs:wasm");

/** Starts one of them, by its title. One thread: several tests run at a time. */
export async function startTestEngine(title: string): Promise<Engine> {
  const [engine, device] = title.split(":");
  return (await createEngine({ engine, device, threads: 1 })).engine;
}
