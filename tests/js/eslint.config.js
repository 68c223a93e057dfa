/** ESLint's rules for all JavaScript of the project. Run it from the top level: see package.json. */

import js from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import globals from "globals";

export default defineConfig(
  globalIgnores(["**/node_modules/", ".venv/", "build/", "var/"]),
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "array-callback-return": "error",
      "arrow-body-style": "error",
      curly: ["error", "multi-line"],
      "default-case-last": "error",
      "dot-notation": "error",
      eqeqeq: "error",
      "func-style": ["error", "declaration", { allowArrowFunctions: true }],
      "logical-assignment-operators": "error",
      "no-console": "error",
      "no-duplicate-imports": "error",
      "no-else-return": "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-lonely-if": "error",
      "no-self-compare": "error",
      "no-throw-literal": "error",
      "no-unneeded-ternary": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-useless-rename": "error",
      "no-useless-return": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-arrow-callback": "error",
      "prefer-const": "error",
      "prefer-object-spread": "error",
      "prefer-promise-reject-errors": "error",
      "prefer-rest-params": "error",
      "prefer-template": "error",
      "require-atomic-updates": "error",
    },
  },
  {
    files: ["**/static/**/*.js"],
    languageOptions: { globals: globals.browser },
  },
  {
    // Loaded without type="module", so that the theme is set before the first paint.
    files: ["demos/static/demos/theme.js"],
    languageOptions: { sourceType: "script" },
  },
  {
    // The tests run the browser's modules on Node.
    files: ["tests/js/**"],
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
  },
);
