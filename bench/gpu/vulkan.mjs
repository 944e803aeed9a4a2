/**
 * @file Vulkan where the machine's own is incomplete: a loader that came along, and the file that names NVIDIA's
 * driver, which containers often lack.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const bundled = fileURLToPath(new URL("./vulkan", import.meta.url));
const loader = "libvulkan.so.1";
const nvidia = "libGLX_nvidia.so.0";
/** Where loaders look for drivers. */
const driverFolders = [
  "/etc/vulkan/icd.d",
  "/usr/share/vulkan/icd.d",
  "/usr/local/share/vulkan/icd.d",
  "/usr/local/etc/vulkan/icd.d",
];
const attempt = `
try { process.dlopen({ exports: {} }, process.argv[1]); } catch (error) {
  // A library that is there but no addon was loaded; only one that cannot be opened is missing.
  if (/cannot open shared object|No such file/.test(error.message)) process.exit(9);
}`;

/** Can the system's loader open the library? Asked in a process of its own. */
function loads(library, env) {
  return (
    spawnSync(process.execPath, ["-e", attempt, library], { env, timeout: 20_000 }).status !== 9
  );
}

/** The environment for processes that use Vulkan, and what was done about it. `folder`: for files. */
export function vulkanEnvironment(env, folder) {
  const result = { ...env };
  const notes = [];
  if (loads(loader, env)) {
    notes.push(`${loader}: the machine's own`);
  } else if (existsSync(join(bundled, loader))) {
    result.LD_LIBRARY_PATH = [env.LD_LIBRARY_PATH, bundled].filter(Boolean).join(":");
    notes.push(`${loader}: the bundle's, as the machine has none`);
  } else {
    notes.push(`${loader}: missing`);
  }
  const drivers = driverFolders.flatMap((path) =>
    existsSync(path) ? readdirSync(path).filter((name) => name.endsWith(".json")) : [],
  );
  const named = env.VK_ICD_FILENAMES ?? env.VK_DRIVER_FILES;
  if (named !== undefined) {
    notes.push(`drivers: as named in the environment, ${named}`);
  } else if (!drivers.some((name) => name.includes("nvidia")) && loads(nvidia, env)) {
    const file = join(folder, "nvidia_icd.json");
    const icd = { library_path: nvidia, api_version: "1.3.0" };
    writeFileSync(file, JSON.stringify({ file_format_version: "1.0.0", ICD: icd }));
    result.VK_ADD_DRIVER_FILES = file;
    if (drivers.length === 0) result.VK_ICD_FILENAMES = file;
    notes.push(`drivers: ${nvidia} is there without its file, which was written`);
  } else {
    notes.push(`drivers: ${drivers.length === 0 ? "none" : drivers.join(", ")}`);
  }
  // Some drivers give up without it.
  result.XDG_RUNTIME_DIR ??= folder;
  return { env: result, notes };
}
