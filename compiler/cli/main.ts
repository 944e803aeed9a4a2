/** @file Entry of the command line: help, or one command whose outcome becomes an exit code. */
import { DlcError, exitCodes, systemReason } from "@dlc/runtime/errors";
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
    if (asksForVersion(argv)) {
      if (console.json) console.document({ version });
      else console.result(version);
      return exitCodes.ok;
    }
    const help = helpFor(argv, commands);
    if (help !== null) {
      if (console.json) console.document({ help });
      else console.result(help);
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

/** `dlc --version`, with `--json` or not. */
function asksForVersion(argv: readonly string[]): boolean {
  const [word, ...others] = argv.filter((arg) => arg !== "--json");
  return others.length === 0 && (word === "--version" || word === "-V");
}

function givenColor(argv: readonly string[]): string | undefined {
  const at = argv.indexOf("--color");
  return at < 0 ? argv.find((word) => word.startsWith("--color="))?.slice(8) : argv[at + 1];
}

/** `dlc predict … | head`: the reader has what it wanted. Without stderr the work goes on. */
function guardStreams(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(exitCodes.ok);
    // On stderr, even with --json: what would have carried the message is what is broken.
    const plain = createConsole({ json: false, color: "never" });
    const reason = systemReason(error) ?? error.message;
    const lost = new DlcError("io-error", `the result cannot be written to stdout: ${reason}`, {
      help: "Check where stdout leads and the free space there.",
      reason: "io",
    });
    process.exit(tellFailure(lost, plain));
  });
  process.stderr.on("error", () => {});
}
