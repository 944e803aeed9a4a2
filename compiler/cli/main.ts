/** @file Entry of the command line: help, or one command whose outcome becomes an exit code. */
import { exitCodes } from "@dlc/runtime/errors";
import { version } from "../version.js";
import { commands } from "./commands/index.js";
import { createConsole } from "./console.js";
import { tellFailure } from "./failure.js";
import { helpFor } from "./help.js";
import { watchSignals } from "./signals.js";

/** Runs `dlc` with these arguments and returns the exit code. Never throws. */
export async function main(argv: readonly string[]): Promise<number> {
  // Good enough to report mistakes in the arguments themselves.
  let console = createConsole({ json: argv.includes("--json"), color: givenColor(argv) });
  guardStreams();
  const unexpected = (error: unknown): void => process.exit(tellFailure(error, console));
  process.on("uncaughtException", unexpected);
  const interruption = watchSignals();
  try {
    if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
      console.result(version);
      return exitCodes.ok;
    }
    const help = helpFor(argv, commands);
    if (help !== null) {
      console.result(help);
      return exitCodes.ok;
    }
    // Loaded late, as all that help does not need.
    const { parseArguments } = await import("./parse.js");
    const { definition, args, options } = parseArguments(
      argv[0] === "help" ? argv.slice(1) : argv,
      commands,
    );
    console = createConsole({
      json: options.json === true,
      color: options.color as string | undefined,
    });
    const { run } = await definition.load();
    const reason = await run({
      args,
      options,
      console,
      commands,
      get signal() {
        return interruption.signal;
      },
    });
    return exitCodes[reason];
  } catch (error) {
    return tellFailure(error, console);
  } finally {
    interruption.dispose();
    process.off("uncaughtException", unexpected);
  }
}

function givenColor(argv: readonly string[]): string | undefined {
  const at = argv.indexOf("--color");
  return at < 0 ? argv.find((word) => word.startsWith("--color="))?.slice(8) : argv[at + 1];
}

/** `dlc predict … | head`: the reader has what it wanted. Without stderr the work goes on. */
function guardStreams(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(exitCodes.ok);
    throw error;
  });
  process.stderr.on("error", () => {});
}
