/** @file Downloads wheels by pip, so that its settings (index, proxy, certificates) hold. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "@dlc/runtime/folder";
import { bytes } from "../../table.js";
import { gist, runTool, type ToolOptions } from "../../tool.js";
import { downloadFailed, toolMissing } from "./problems.js";
import { pythonVersion, type WheelRelease, wheelPlatform } from "./releases.js";

/** Wheels for this platform, whatever Python there is: nothing of them is run. */
export const wheelArguments: readonly string[] = [
  ...["--no-deps", "--only-binary=:all:", "--implementation", "cp"],
  ...["--python-version", pythonVersion],
  // Older tags are for the same machine; pip does not count them in by itself.
  ...[wheelPlatform, "manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux_2_12_x86_64"]
    .concat("manylinux2010_x86_64", "manylinux1_x86_64")
    .flatMap((platform) => ["--platform", platform]),
  ...["--no-cache-dir", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"],
];

/** What the user may do on another machine. */
const elsewhere = (release: WheelRelease): string =>
  `or download ${release.file} elsewhere and add --wheel <file>`;

/** Checks that Python and pip are there. @throws DlcError "setup-tool-missing"; Interrupted. */
export async function checkPip(
  release: WheelRelease,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { outcome } = await runTool("python3", ["-m", "pip", "--version"], { signal });
  if (outcome === "ok") return;
  const tool = outcome === "missing" ? "python3" : "pip";
  const install = `apt-get install python3-pip (Debian, Ubuntu), dnf install python3-pip (Fedora, RHEL)`;
  throw toolMissing(
    outcome === "missing" ? "python3" : "pip, the installer of Python,",
    `${tool} downloads TensorFlow's libraries`,
    `Install it: ${install}; ${elsewhere(release)}.`,
  );
}

/** Bytes of all files in a folder; what vanishes meanwhile counts nothing. */
function sizeOf(folder: string): number {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" }).reduce(
      (sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
  } catch {
    return 0;
  }
}

/** Says every few seconds how much has come. */
export async function withProgress<T>(
  what: string,
  folder: string,
  total: number,
  say: (line: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const before = sizeOf(folder);
  let said = 0;
  const timer = setInterval(() => {
    const done = sizeOf(folder) - before;
    if (done < said + total / 10) return;
    said = done;
    say(`  ${bytes(done)} of about ${bytes(total)}`);
  }, 1000);
  say(what);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** pip with its temporary files in `folder`, where the space was checked and which is removed afterwards. */
export function pip(
  args: readonly string[],
  folder: string,
  options: ToolOptions,
): ReturnType<typeof runTool> {
  makeFolder(join(folder, "pip"));
  // A pip.conf with "user = true" would be at odds with a folder of ours.
  const env = { ...process.env, TMPDIR: join(folder, "pip"), PIP_USER: "0" };
  return runTool("python3", ["-m", "pip", ...args], { ...options, env });
}

/**
 * Downloads a wheel into `folder` and returns its path. pip compares it with what the index says of it.
 * @throws DlcError "setup-tool-missing", "setup-download-failed"; Interrupted.
 */
export async function fetchWheel(
  release: WheelRelease,
  folder: string,
  signal: AbortSignal | undefined,
  say: (line: string) => void,
): Promise<string> {
  await checkPip(release, signal);
  const version = release.file.split("-")[1] ?? "";
  const wanted = `${release.project}==${version}`;
  const { outcome, output } = await withProgress(
    `downloading ${release.project} ${version} (${bytes(release.bytes)})`,
    folder,
    release.bytes,
    say,
    () => pip(["download", ...wheelArguments, "--dest", folder, wanted], folder, { signal }),
  );
  const file = join(folder, release.file);
  if (outcome === "ok" && statSync(file, { throwIfNoEntry: false }) !== undefined) return file;
  const found = readdirSync(folder).filter((name) => name.endsWith(".whl"));
  throw downloadFailed(
    release.file,
    found.length > 0 ? `pip found ${found.join(", ")} instead` : gist(output),
    `Check the network and pip's index (pip config list), ${elsewhere(release)}.`,
  );
}
