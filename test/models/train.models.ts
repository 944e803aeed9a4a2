/** @file The models that train within minutes. */
import { testModels } from "./training.js";

testModels(false);
