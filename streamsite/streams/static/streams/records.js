/**
 * The JSON of a stream's records.
 *
 * The SHA-256 of a stream of values is over their JSON as the server wrote it. Parsing and writing a value
 * again may change the JSON: 1.0 becomes 1, and large integers lose digits. Each piece with a value
 * therefore has its JSON, too, as `source`. The ledger takes it off again.
 */

/** A string, a mark, or a run of anything else, in valid JSON. */
const TOKENS = /"(?:[^"\\]+|\\.)*"|[[\]{}:,]|[^\s"[\]{}:,]+/g;

/**
 * Return the JSON of each element of an array, or of each key and value of an object in turn.
 *
 *     partsOf('{"n":17,"data":{"a":[1, 2]}}') // ['"n"', "17", '"data"', '{"a":[1, 2]}']
 *
 * @param {string} json valid JSON
 * @returns {string[]}
 */
export function partsOf(json) {
  const parts = [];
  let depth = 0;
  let start = 0;
  for (const { 0: token, index } of json.matchAll(TOKENS)) {
    if (token === "[" || token === "{") {
      depth += 1;
      if (depth === 1) start = index + 1;
    } else if (token === "]" || token === "}") {
      depth -= 1;
      if (depth === 0 && json.slice(start, index).trim()) parts.push(json.slice(start, index).trim());
    } else if (depth === 1 && (token === "," || token === ":")) {
      parts.push(json.slice(start, index).trim());
      start = index + 1;
    }
  }
  return parts;
}

/**
 * Return the JSON of one member of an object, or "" if the object has no such member.
 *
 *     memberOf('{"n":17,"data":1.0}', "data") // "1.0"
 */
export function memberOf(json, name) {
  const parts = partsOf(json);
  const key = parts.findIndex((part, index) => index % 2 === 0 && JSON.parse(part) === name);
  return key < 0 ? "" : parts[key + 1];
}

/**
 * Return the records of JSON that is one record or an array of records.
 *
 *     recordsOf('{"n":17,"data":1.0}') // [{ n: 17, data: 1, source: "1.0" }]
 *
 * @throws {SyntaxError} if it isn't JSON
 */
export function recordsOf(json) {
  const found = JSON.parse(json);
  if (!Array.isArray(found)) return [withSource(found, json)];
  if (!found.some(hasValue)) return found;
  const parts = partsOf(json);
  return found.map((record, index) => withSource(record, parts[index]));
}

function hasValue(record) {
  return record?.data !== undefined;
}

function withSource(record, json) {
  return hasValue(record) ? { ...record, source: memberOf(json, "data") } : record;
}

/**
 * Return a piece as text: its text, or its value as a line of JSON.
 *
 *     textOf({ n: 17, data: { a: 1 } }) // '{"a":1}\n'
 */
export function textOf({ text, data }) {
  return text ?? `${JSON.stringify(data)}\n`;
}
