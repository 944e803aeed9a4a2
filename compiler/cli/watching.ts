/** @file `--watch`: runs a command again whenever one of its files changes, until it is interrupted. */
import { statSync } from "node:fs";
import type { ExitReason } from "@dlc/runtime/errors";
import type { Invocation } from "./command.js";
import { tellFailure } from "./failure.js";

/** Editors write files in several steps; one run answers them all. */
const settle = 100;

/**
 * Calls `work` at once and after every change of the files that it returned. An error of the first
 * call is thrown; later ones are told and the watch goes on. It ends with the signal.
 */
export async function watch(
  work: () => Promise<readonly string[]>,
  { signal, console }: Pick<Invocation, "signal" | "console">,
): Promise<ExitReason> {
  const { watch: watchFiles } = await import("chokidar");
  const started = Date.now();
  const files = new Set(await work());
  const watcher = watchFiles([...files], {
    ignoreInitial: true,
    awaitWriteFinish: { stabilityThreshold: settle, pollInterval: 25 },
  });
  let running: Promise<void> | null = null;
  let again = false;
  const rerun = (): void => {
    again = true;
    running ??= (async () => {
      while (again) {
        again = false;
        try {
          const now = await work();
          watcher.add(now.filter((file) => !files.has(file)));
          for (const file of now) files.add(file);
        } catch (error) {
          tellFailure(error, console);
        }
      }
      running = null;
    })();
  };
  watcher.on("all", rerun);
  await new Promise<void>((resolve) => watcher.once("ready", resolve));
  console.note("Watching for changes; end with Ctrl-C.");
  // What changed before the watch was on.
  if ([...files].some((file) => changedSince(file, started))) rerun();
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await watcher.close();
  await running;
  return signal.reason === "terminated" ? "terminated" : "interrupted";
}

function changedSince(file: string, time: number): boolean {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat !== undefined && stat.mtimeMs > time;
}
