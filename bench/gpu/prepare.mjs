/** @file Prepares a run in the working tree (`npm run bench:gpu`): packages and data, as a bundle has them. */
import { prepare } from "./packages.mjs";

await prepare((text) => console.error(text));
