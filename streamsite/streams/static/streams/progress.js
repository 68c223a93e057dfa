/** What a JSON value says about the progress of some work. */

/** By how much a sum of fractions may miss 1. */
const ROUNDING = 1e-6;

/**
 * @typedef {object} Progress
 * @property {number | null} progress from 0 to 1, or null if it isn't known
 * @property {string} message
 */

/**
 * Return the progress that a value stands for, or null if the value has another form.
 *
 *     progressOf({ progress: 0.42, message: "Reading" }) // { progress: 0.42, message: "Reading" }
 *     progressOf({ message: "Reading" })                 // { progress: null, message: "Reading" }
 *     progressOf({ progress: 42 })                       // null
 *
 * @param {unknown} value
 * @returns {Progress | null}
 */
export function progressOf(value) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const progress = value.progress ?? null;
  const message = value.message ?? "";
  if (typeof message !== "string") return null;
  if (progress === null) return { progress, message };
  if (typeof progress !== "number" || !(progress >= 0 && progress <= 1 + ROUNDING)) return null;
  return { progress: Math.min(progress, 1), message };
}
