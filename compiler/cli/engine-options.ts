/** @file --engine, --device and --threads as the runtime takes them. */
import type { ModelOptions } from "@dlc/runtime";
import { count, type OptionValues, text } from "./command.js";

export function engineOptions(options: OptionValues): ModelOptions {
  return {
    engine: text(options, "engine"),
    device: text(options, "device") as ModelOptions["device"],
    threads: count(options, "threads"),
  };
}
