/**
 * @file The one error type that users are meant to see (anything else thrown is a fault in dlc), and
 * how its messages count.
 */

/** Exit codes of the command line, frozen (see `dlc help exit-codes`). */
export const exitCodes = {
  ok: 0,
  /** The spec, the data or the run's input is at fault; diagnostics were printed. */
  failed: 1,
  usage: 2,
  /** `--check` found that generated files differ. */
  drift: 3,
  /** Training stopped by policy: a non-finite loss, a budget. */
  stopped: 4,
  /** A needed engine, library or device is missing. */
  environment: 5,
  internal: 70,
  io: 74,
  /** Someone else holds the run folder. */
  busy: 75,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitReason = keyof typeof exitCodes;

/**
 * A mistake or a condition outside dlc, told in the user's terms.
 * `code` is a diagnostic code of the catalogue (`dlc explain <code>`); `place` is a file with an
 * optional row or line; `help` says what to do about it.
 */
export class DlcError extends Error {
  override readonly name = "DlcError";
  readonly code: string;
  readonly place: string | null;
  readonly help: string | null;
  readonly reason: ExitReason;

  constructor(
    code: string,
    message: string,
    details: { place?: string; help?: string; reason?: ExitReason; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.place = details.place ?? null;
    this.help = details.help ?? null;
    this.reason = details.reason ?? "failed";
  }
}

/** "1 row", "2,000 rows"; "1 class", "2 classes". */
export function count(n: number, noun: string, nouns = `${noun}s`): string {
  return `${n.toLocaleString("en-US")} ${n === 1 ? noun : nouns}`;
}

/** What the operating system refuses is nobody's fault in dlc. */
const systemErrors = new Map([
  ["ENOSPC", "there is no space left on the disk"],
  ["EDQUOT", "the disk quota is used up"],
  ["EIO", "the disk reports an error"],
  ["EROFS", "the file system is read-only"],
  ["EACCES", "permission denied"],
  ["EPERM", "it is not permitted"],
  ["ENOENT", "there is no such file or folder"],
  ["ENOTDIR", "a part of the path is not a folder"],
  ["EISDIR", "it is a folder"],
  ["EEXIST", "it exists already"],
  ["EXDEV", "it is on another disk"],
  ["ENXIO", "it is no file that can be read"],
  ["EBUSY", "it is in use"],
  ["ELOOP", "its links lead in a circle"],
  ["ENAMETOOLONG", "the name is too long"],
  ["EMFILE", "too many files are open"],
  ["ENFILE", "too many files are open"],
]);

/** Why a file operation failed, in words; null for any other error. */
export function systemReason(error: unknown): string | null {
  const { code } = Object(error) as { code?: unknown };
  return (error instanceof Error && systemErrors.get(String(code))) || null;
}
