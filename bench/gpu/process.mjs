/** @file Processes that are asked and answer in lines of JSON; how they fail, and in time. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** What a row says instead of numbers. */
export class Failure extends Error {
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}

const memoryWords =
  /out of (device |host |gpu |cuda )?memory|outofmemory|OUT_OF_(DEVICE|HOST)_MEMORY|bad_alloc|failed to allocate|allocation failed|alloc\w* failed/i;

/**
 * A failure by what was said: "out-of-memory" or "failed".
 *
 * @param {string} message
 * @param {string | null} code of a DlcError, where there is one
 */
export function failureOf(message, code = null) {
  const isMemory = code === "out-of-device-memory" || memoryWords.test(message);
  return new Failure(isMemory ? "out-of-memory" : "failed", shorten(message));
}

const shorten = (text) => {
  const line = text.trim().replaceAll(/\s+/g, " ");
  return line.length > 300 ? `${line.slice(0, 299)}…` : line;
};

/**
 * Starts a process. `answer(seconds)` gives the next line, or throws a Failure: "failed", "out-of-memory", "timeout"
 * (the process is killed then) or "crashed".
 */
export function start(command, args, { env = process.env } = {}) {
  const child = spawn(command, args, { env, stdio: ["pipe", "pipe", "pipe"] });
  let complaints = "";
  child.stderr.on("data", (text) => {
    complaints = (complaints + text).slice(-4000);
  });
  // A process that is gone cannot be asked; its end is what is reported.
  child.stdin.on("error", () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise((resolve) => {
    child.on("error", (error) => resolve(new Failure("failed", `${command}: ${error.message}`)));
    child.on("close", (code, signal) => resolve(endOf(code, signal, complaints)));
  });

  async function answer(seconds) {
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, seconds * 1000, "late");
    });
    try {
      const next = await Promise.race([nextJson(lines), late]);
      if (next === "late") {
        child.kill("SIGKILL");
        await ended;
        throw new Failure("timeout", `no answer in ${seconds} seconds`);
      }
      if (next === null) throw await ended;
      if (next.error !== undefined) throw failureOf(next.error, next.code);
      return next;
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    answer,
    ask(question, seconds) {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      return answer(seconds);
    },
    /** Ends it; resolves when it is gone, so that its memory is free. */
    async close(seconds = 20) {
      child.stdin.end();
      const timer = setTimeout(() => child.kill("SIGKILL"), seconds * 1000);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** The next line that is JSON (drivers print, too); null at the end. */
async function nextJson(lines) {
  for (;;) {
    const { value, done } = await lines.next();
    if (done) return null;
    try {
      const parsed = JSON.parse(value);
      if (typeof parsed === "object" && parsed !== null) return parsed;
    } catch {}
  }
}

/** Why a process ended that owed an answer. */
export function endOf(code, signal, complaints) {
  const last = complaints.trim().split("\n").slice(-3).join(" ");
  if (memoryWords.test(last)) return failureOf(last);
  const how = signal === null ? `it ended with code ${code}` : `it was killed by ${signal}`;
  return new Failure("crashed", shorten(last === "" ? how : `${how}: ${last}`));
}
