/** @file What a command threw, as one message for the user and an exit code. */
import { DlcError, exitCodes, systemReason } from "@dlc/runtime/errors";
import { visible } from "../diagnostics/visible.js";
import { version } from "../version.js";
import type { Console } from "./console.js";

/** Also one of another copy of the runtime, which a generated package may have brought along. */
function isDlcError(error: unknown): error is DlcError {
  if (error instanceof DlcError) return true;
  return (
    error instanceof Error &&
    error.name === "DlcError" &&
    Object.hasOwn(exitCodes, (error as Partial<DlcError>).reason ?? "")
  );
}

/** Tells the user what went wrong; returns the exit code for it. */
export function tellFailure(error: unknown, console: Console): number {
  if (isDlcError(error)) return tell(error, console);
  const reason = systemReason(error);
  if (reason === null) return tellInternal(error, console);
  const { path, message } = error as NodeJS.ErrnoException;
  return tell(
    new DlcError("io-error", path === undefined ? message : `${path}: ${reason}`, {
      help: "Check the path, the permissions and the free space.",
      reason: "io",
    }),
    console,
  );
}

function tell(error: DlcError, console: Console): number {
  const { code, message, place, help } = error;
  if (console.json) {
    console.document({ error: { code, message, place, help } });
  } else {
    const { bold, cyan, red } = console.colors;
    const safe = (text: string): string => text.split("\n").map(visible).join("\n  ");
    console.note(`${bold(red(`error ${code}`))}: ${bold(safe(message))}`);
    if (place !== null && !message.includes(place)) console.note(`  ${cyan(safe(place))}`);
    if (help !== null) console.note(`  ${bold("help")}: ${safe(help)}`);
  }
  return exitCodes[error.reason];
}

function tellInternal(error: unknown, console: Console): number {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (console.json) {
    const message = error instanceof Error ? error.message : text;
    console.document({ error: { code: "internal", message, place: null, help: null } });
  }
  console.note(`${console.colors.red("internal error")}: a fault in dlc, not in your files.`);
  console.note(text);
  console.note(
    `Please report it with the spec that caused it. dlc ${version}, node ${process.version}, ${process.platform} ${process.arch}`,
  );
  return exitCodes.internal;
}
