// The prompt and the chips: what is typed becomes conditions and a text, and each is shown as it is typed.

import { $, make, makeButton } from '../base/dom.js';
import { parsePrompt, problemOf, problemOfText, promptText, withCondition } from './filter.js';
import { bindPopover } from './popover.js';
import { current, navigate, onChange } from './state.js';

const prompt = $('prompt');

$('search').addEventListener('submit', (event) => {
  event.preventDefault();
  const { conditions, text } = parsePrompt(prompt.value);
  if (conditions.length === 0 && text === '') return;
  prompt.value = '';
  navigate({ conditions: conditions.reduce(withCondition, current().conditions), text: text === '' ? current().text : text });
});

// In an empty prompt the Backspace key takes the last chip back, to change it.
prompt.addEventListener('keydown', (event) => {
  const { conditions, text } = current();
  if (event.key === 'Escape') prompt.blur();
  if (event.key !== 'Backspace' || prompt.value !== '' || (conditions.length === 0 && text === '')) return;
  event.preventDefault();
  edit(text !== '' ? null : conditions.at(-1));
});

const without = (condition) => (condition === null ? { text: '' } : { conditions: current().conditions.filter((other) => other !== condition) });
const typed = (condition) => (condition === null ? `"${current().text}"` : promptText(condition));

// Takes a condition, or the text (null), back into the prompt.
function edit(condition) {
  prompt.value = typed(condition);
  navigate(without(condition));
  prompt.focus();
}

function makeChip(condition, problem) {
  const label = typed(condition);
  const change = makeButton('chip-text', label, () => edit(condition));
  change.title = problem || 'Change';
  const remove = makeButton('chip-remove', '×', () => {
    navigate(without(condition));
    prompt.focus();
  });
  remove.setAttribute('aria-label', `Remove ${label}`);
  return make('li', problem === '' ? 'chip' : 'chip invalid', change, remove);
}

function show({ text, conditions, view }) {
  const chips = conditions.map((condition) => makeChip(condition, problemOf(condition)));
  if (text !== '') chips.push(makeChip(null, problemOfText(text)));
  if (chips.length > 0) {
    const clear = makeButton('plain', 'Clear all', () => navigate({ text: '', conditions: [] }));
    clear.id = 'clear';
    chips.push(make('li', '', clear));
  }
  $('chips').replaceChildren(...chips);
  $('chips').hidden = chips.length === 0 || view !== 'events';
}

onChange((state, before) => {
  if (state.text !== before.text || state.conditions !== before.conditions || state.view !== before.view) show(state);
});
bindPopover($('syntax-button'), $('syntax'));
