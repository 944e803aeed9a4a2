/**
 * @file Makes a bundle and runs it as on a strange machine: copied elsewhere, with an empty environment and, where this
 * machine allows that, without a network. Fails unless it measures.
 *
 *     node bench/gpu/check.mjs [options of run.sh]
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = mkdtempSync(join(tmpdir(), "dlc-gpu-check-"));
const inherit = { stdio: "inherit" };

function command(program, args, options = inherit) {
  const { status, error } = spawnSync(program, args, options);
  if (error !== undefined) throw error;
  return status;
}

/** Programs that other folders' node_modules would help would not be noticed. */
function mustBeAlone(path) {
  for (let up = path; up !== dirname(up); up = dirname(up)) {
    if (existsSync(join(up, "node_modules")))
      throw new Error(`${up} has node_modules: no proof here`);
  }
}

try {
  mustBeAlone(folder);
  const bundle = fileURLToPath(new URL("./bundle.mjs", import.meta.url));
  const hasLoader = existsSync("/usr/lib/x86_64-linux-gnu/libvulkan.so.1");
  const made = join(folder, "made");
  const options = hasLoader ? [] : ["--without-vulkan"];
  if (command(process.execPath, [bundle, made, ...options]) !== 0) throw new Error("no bundle");
  const moved = join(folder, "a moved bundle");
  renameSync(made, moved);

  const offline = ["unshare", "--map-root-user", "--net"];
  const canBeOffline = spawnSync(offline[0], [...offline.slice(1), "true"]).status === 0;
  if (!canBeOffline) console.error("the network stays on: unshare is missing or not allowed");
  const out = join(folder, "result.json");
  const small = [
    "--quick",
    "--models",
    "cifar10-cnn,char-lstm",
    "--batches",
    "4",
    "--python",
    "none",
  ];
  const given = process.argv.slice(2);
  const line = [...(canBeOffline ? offline : []), join(moved, "run.sh")];
  const args = [...line.slice(1), ...(given.length > 0 ? given : small), "--out", out];
  // Variables that name drivers are for the test of a device; nothing else gets in.
  const kept = ["VK_ICD_FILENAMES", "XDG_RUNTIME_DIR"].filter((name) => name in process.env);
  const env = Object.fromEntries(kept.map((name) => [name, process.env[name]]));
  const status = command(line[0], args, { ...inherit, env, cwd: folder });
  if (status !== 0) throw new Error(`run.sh ended with ${status}`);
  const { rows } = JSON.parse(readFileSync(out, "utf8"));
  const measured = rows.filter((row) => row.status === "measured").length;
  console.log(
    `${measured} of ${rows.length} rows measured${canBeOffline ? ", without a network" : ""}`,
  );
  if (measured === 0) throw new Error("nothing was measured");
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
