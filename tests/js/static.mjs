/**
 * Resolves the imports between the apps, as the site does: below /static/ it has the files of all apps.
 *
 * `node --import ./tests/js/static.mjs` runs this module, which then runs again as the loader of modules.
 */

import { register } from "node:module";
import { isMainThread } from "node:worker_threads";

if (isMainThread) register(import.meta.url);

export function resolve(specifier, context, next) {
  const url = specifier.startsWith(".") ? new URL(specifier, context.parentURL).href : specifier;
  return next(url.replace("/demos/static/streams/", "/streamsite/streams/static/streams/"), context);
}
