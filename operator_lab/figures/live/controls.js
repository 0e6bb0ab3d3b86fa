// What a reader moves: buttons, boxes for a sentence, the tour. None knows what is asked with it.
import { KEYS, html } from "./drawing.js";

const OFFERED_WORDS = 8;
export const button = (words, act, more = {}) => {
  const made = html("button", { type: "button", ...KEYS, ...more }, words);
  made.addEventListener("click", act);
  return made;
};
export const press = (node, down) => { if (node.ariaPressed !== String(down)) node.ariaPressed = down; };
export const labelled = (words, input, more = {}) => html("label", more, words, input);

// A box for a sentence, with the words that may come next as buttons.
export function sentenceBox(words, label, ask, take) {
  const input = html("input", { type: "text", autocomplete: "off", autocapitalize: "none", spellcheck: "false", ...KEYS });
  const alert = html("p", { role: "alert" }), chips = html("div", { class: "chips", role: "group", "aria-label": `Words for: ${label}` });
  input.addEventListener("input", () => ask(take(input.value)));
  const choose = (word, growing) => {
    const start = growing ? input.value.slice(0, input.value.length - growing.length) : input.value.trimEnd() + " ";
    input.value = `${start.trimStart()}${word} `;
    ask(take(input.value));
    input.focus({ preventScroll: true });
  };
  return { input, node: html("div", { class: "sentence" }, labelled(label, input), alert, chips), show(text, complaint, law, growing) {
    if (input.value !== text) input.value = text;
    if (alert.textContent !== complaint) alert.textContent = complaint;
    const fitting = words.map((word, i) => [word, law?.[i] ?? 0]).filter(([word, p]) => growing ? word.startsWith(growing) : p > 0);
    const next = fitting.sort((a, b) => b[1] - a[1]).slice(0, OFFERED_WORDS).map(([word]) => word);
    if (chips.dataset.words === (chips.dataset.words = `${next} ${growing}`)) return;
    const offered = html("span", { class: "hint" }, growing ? "begin so:" : "may come next:");
    chips.replaceChildren(...(next.length ? [offered] : []), ...next.map((word) => button(word, () => choose(word, growing))));
  } };
}

// Six steps that set the machine up and say what to look at.
export function guide(steps, go) {
  const words = html("p"), title = html("b"), where = html("span", { class: "hint" });
  let now = 0;
  const turn = (to) => {
    now = to;
    title.textContent = steps[now].title;
    words.textContent = steps[now].text;
    where.textContent = `${now + 1} of ${steps.length}`;
    back.disabled = now === 0;
    next.textContent = now === steps.length - 1 ? "End" : "Next";
    go(steps[now].experiment, steps[now].look);
  };
  const back = button("Back", () => turn(now - 1));
  const next = button("Next", () => now < steps.length - 1 ? turn(now + 1) : leave());
  const leave = () => (box.hidden = true, begin.hidden = false, begin.focus(), go(null, []));
  const begin = button(`A tour of ${steps?.length} steps, some three minutes`, () => {
    box.hidden = false;
    begin.hidden = true;
    turn(0);
    next.focus();
  }, { class: "begin" });
  const box = html("div", { class: "tour", role: "region", "aria-label": "Tour", "aria-live": "polite", hidden: true },
    html("div", {}, title, where), words, html("div", { class: "chips" }, back, next, button("Leave the tour", leave)));
  return steps?.length ? html("div", { class: "guide" }, begin, box) : html("div");
}
