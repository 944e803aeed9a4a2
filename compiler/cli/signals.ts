/** @file SIGINT and SIGTERM, for the commands that end politely. All others end at once, as usual. */
import { exitCodes } from "@dlc/runtime/errors";

export interface Interruption {
  /**
   * Aborted by SIGINT or SIGTERM; `reason` is then "interrupted" or "terminated". Signals are only
   * caught once a command has asked for this.
   */
  readonly signal: AbortSignal;
  dispose(): void;
}

/** The first signal aborts; a second one ends the process at once. */
export function watchSignals(): Interruption {
  const controller = new AbortController();
  let watching = false;
  const handler = (name: NodeJS.Signals): void => {
    const reason = name === "SIGINT" ? "interrupted" : "terminated";
    if (controller.signal.aborted) process.exit(exitCodes[reason]);
    controller.abort(reason);
  };
  return {
    get signal() {
      if (!watching) {
        watching = true;
        process.on("SIGINT", handler);
        process.on("SIGTERM", handler);
      }
      return controller.signal;
    },
    dispose() {
      process.off("SIGINT", handler);
      process.off("SIGTERM", handler);
    },
  };
}
