// The menu of a value that is shown: include it in the filter, exclude it, or copy it.

import { $, make, makeButton, makeCopyButton } from '../base/dom.js';
import { conditionOf, promptText, withCondition } from './filter.js';
import { openPopover } from './popover.js';
import { current, navigate } from './state.js';

// Adds a condition to the filter, and shows the events that it leaves.
export function addCondition(condition) {
  navigate({ conditions: withCondition(current().conditions, condition), view: 'events' });
}

// `element` has the attributes data-name and data-value.
export function openValueMenu(element) {
  const { name, value } = element.dataset;
  const box = $('value-menu');
  const entry = (label, condition) => {
    const button = makeButton('entry', '', () => {
      box.hidePopover();
      addCondition(condition);
    });
    button.append(make('span', 'entry-label', label), make('code', '', promptText(condition)));
    return button;
  };
  const copy = makeCopyButton('entry', 'Copy value', () => value);
  box.replaceChildren(entry('Include', conditionOf(name, value)), entry('Exclude', conditionOf(name, value, true)), copy);
  openPopover(box, element);
  box.firstElementChild.focus();
}

// Makes a value of a field that can be included or excluded: a button, or plain text if no condition says it.
export function makeValueButton(name, value, text = String(value)) {
  if (conditionOf(name, value) === null) return make('span', '', text);
  const button = makeButton('value-button', text, () => openValueMenu(button));
  button.dataset.name = name;
  button.dataset.value = value;
  button.title = `Include or exclude ${promptText(conditionOf(name, value))}`;
  return button;
}
