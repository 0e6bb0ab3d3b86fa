// What a reader asks for: kept as plain text, so that an address can name it.
// T is in units of the model's own temperature; heads are named layer.head, counted from 1.

export const PLAIN = { text: "", at: null, T: 1, one: false, head: "1.1", off: [], other: "", step: null, row: null };

const NUMBERS = { at: [0, 1e4], T: [0.01, 100], step: [0, 1e4], row: [0, 1e4] };
const HEAD = /^[1-9]\d*\.[1-9]\d*$/;

export function written(experiment, start) {
  const changed = Object.entries(experiment).filter(([name, value]) => String(value ?? "") !== String(start[name] ?? ""));
  return new URLSearchParams(changed.map(([name, value]) => [name, String(value ?? "")])).toString();
}

// An address may be anybody's: what does not fit is left as it was.
export function readFrom(address, start) {
  const given = new URLSearchParams(address), found = { ...start };
  for (const name of ["text", "other"]) if (given.has(name)) found[name] = given.get(name).slice(0, 1000);
  for (const [name, [low, high]] of Object.entries(NUMBERS).filter(([name]) => given.has(name))) {
    const words = given.get(name), value = Number(words);
    if (words === "") found[name] = PLAIN[name];
    else if (value >= low && value <= high) found[name] = name === "T" ? value : Math.round(value);
  }
  if (HEAD.test(given.get("head"))) found.head = given.get("head");
  if (given.has("one")) found.one = given.get("one") === "true";
  if (given.has("off")) found.off = given.get("off").split(",").filter((head) => HEAD.test(head));
  return found;
}
