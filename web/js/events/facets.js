// The facets next to the list: types, levels and chats with their counts. A click includes a value, another one excludes it.

import { $, make, makeButton } from '../base/dom.js';
import { askJson, Latest } from '../base/ask.js';
import { compact, number } from '../base/format.js';
import { eventsQuery } from '../shell/address.js';
import { conditionOf, withCondition } from '../shell/filter.js';
import { current, navigate } from '../shell/state.js';

const SHOWN_MAX = 8;  // of a facet, until all are asked for
const FACETS = [['types', 'type', 'Type'], ['levels', 'level', 'Level'], ['chats', 'chat', 'Chat']];
const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'];

const latest = new Latest();
const opened = new Set();  // facets of which all values are shown
let answer = null;

function toggle(condition) {
  const { conditions } = current();
  navigate({ conditions: conditions.includes(condition) ? conditions.filter((other) => other !== condition) : withCondition(conditions, condition) });
}

function makeValue(name, { value, count }, most) {
  const text = value === '' ? '(none)' : value;
  const include = conditionOf(name, value);
  const item = make('li', name === 'level' ? `facet-value ${value}` : 'facet-value');
  const isIncluded = current().conditions.includes(include);
  const bar = make('i', 'facet-bar');
  bar.style.width = `${Math.max(1, (100 * count) / most)}%`;
  if (value === '' || include === null) {
    item.append(make('span', 'facet-include', make('span', 'facet-name', text), make('span', 'facet-count', compact(count))), bar);
    return item;
  }
  const main = makeButton('facet-include', '', () => toggle(include));
  main.append(make('span', 'facet-name', text), make('span', 'facet-count', compact(count)));
  main.setAttribute('aria-pressed', String(isIncluded));
  main.title = `${value}: ${number(count)}`;
  const exclude = makeButton('facet-exclude', '≠', () => toggle(conditionOf(name, value, true)));
  exclude.setAttribute('aria-label', `Exclude ${value}`);
  exclude.title = `Exclude: !${name}=${value}`;
  item.append(main, exclude, bar);
  return item;
}

function makeFacet([key, name, title]) {
  const values = key === 'levels' ? answer[key].toSorted((a, b) => LEVELS.indexOf(a.value) - LEVELS.indexOf(b.value)) : answer[key];
  const most = Math.max(1, ...values.map(({ count }) => count));
  const isOpen = opened.has(key);
  const list = make('ul', '', ...(isOpen ? values : values.slice(0, SHOWN_MAX)).map((value) => makeValue(name, value, most)));
  const box = make('section', 'facet', make('h2', '', title), list);
  if (values.length === 0) list.append(make('li', 'quiet', 'none'));
  if (values.length > SHOWN_MAX) {
    const more = makeButton('plain', isOpen ? 'Show fewer' : `Show all ${values.length}`, () => {
      if (isOpen) opened.delete(key);
      else opened.add(key);
      show();
      $('facets').querySelector(`[data-facet=${key}] .plain`)?.focus();
    });
    box.append(more);
  }
  const leftOut = answer[`${key}_left_out`];
  if (isOpen && leftOut > 0) box.append(make('p', 'quiet', `and ${number(leftOut)} more`));
  box.dataset.facet = key;
  return box;
}

// Keeps the focus on the same value over a refresh.
function show() {
  const box = $('facets');
  const focused = box.contains(document.activeElement) ? [...box.querySelectorAll('button')].indexOf(document.activeElement) : -1;
  const label = document.activeElement?.title;
  box.replaceChildren(...FACETS.map(makeFacet));
  if (focused < 0) return;
  const buttons = [...box.querySelectorAll('button')];
  (buttons.find((button) => label !== '' && button.title === label) ?? buttons[focused])?.focus();
}

export async function refreshFacets() {
  const state = current();
  if (state.problem !== '') return;
  try {
    const found = await latest.run((signal) => askJson(`/api/facets?${eventsQuery(state, Date.now())}`, { signal }));
    if (found === undefined) return;
    answer = found;
    show();
  } catch (error) {
    $('facets').replaceChildren(make('p', 'notice error', `The facets cannot be read: ${error.message}`));
  }
}

export function clearFacets() {
  latest.cancel();
  answer = null;
  $('facets').replaceChildren();
}

$('facets-button').addEventListener('click', () => {
  const isOpen = $('view-events').classList.toggle('facets-open');
  $('facets-button').setAttribute('aria-expanded', String(isOpen));
});
