/** @file --engine, --device and --threads as the runtime takes them, and what was made of them. */
import type { ModelOptions } from "@dlc/runtime";
import { count, type OptionValues, text } from "./command.js";
import type { Console } from "./console.js";

export function engineOptions(options: OptionValues): ModelOptions {
  return {
    engine: text(options, "engine"),
    device: text(options, "device") as ModelOptions["device"],
    threads: count(options, "threads"),
  };
}

/** Tells which engine was chosen and why. (Training tells it in its first line.) */
export function tellEngine({ why }: { readonly why: string }, console: Console): void {
  console.note(`engine: ${why}`);
}
