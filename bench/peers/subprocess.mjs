/**
 * @file Peers in Python. The process prints one JSON line {name} when it is ready; then for every
 * line "k" on its input it runs k steps and answers {ms, loss}.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The peer; null where Python or the library is missing (the reason goes to `report`). */
export async function pythonPeer(script, { batch, threads, python, report }) {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(python, [path, JSON.stringify({ batch, threads })], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, OMP_NUM_THREADS: String(threads) },
  });
  let complaints = "";
  child.stderr.on("data", (text) => {
    complaints = (complaints + text).slice(-2000);
  });
  const failed = new Promise((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("exit", () => resolve(complaints.trim().split("\n").at(-1) || "it ended"));
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(await failed);
    return JSON.parse(value);
  };
  let name;
  try {
    ({ name } = await answer());
  } catch (error) {
    report(`${script} is left out: ${error.message}`);
    return null;
  }
  return {
    name,
    async run(steps) {
      child.stdin.write(`${steps}\n`);
      return (await answer()).ms;
    },
    close: () => child.stdin.end(),
  };
}
