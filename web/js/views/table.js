// Tables of the views. A row that opens something does so by a click anywhere in it; by keyboard, by the button in it.

import { make, makeButton } from '../base/dom.js';

// `columns` is [[title, class]…]; a title may be a node.
export function makeHead(columns) {
  return make('thead', '', make('tr', '', ...columns.map(([title, className = '', sort]) => {
    const cell = make('th', className, title);
    cell.scope = 'col';
    if (sort) cell.setAttribute('aria-sort', sort);
    return cell;
  })));
}

export function makeOpener(className, label, onOpen) {
  return makeButton(`link ${className}`, label, (event) => {
    event.stopPropagation();
    onOpen();
  });
}

export function openOnClick(row, onOpen) {
  row.classList.add('opens');
  row.addEventListener('click', ({ target }) => {
    // Selecting text, and what can be pressed itself, is no click on the row.
    if (!target.closest('button, a, input') && getSelection().isCollapsed) onOpen();
  });
}

// Replaces the rows unless the reader is in the middle of them: a focus or a selection that vanished would be worse than old numbers.
export function replaceRows(table, ...children) {
  if (table.contains(document.activeElement)) {
    const buttons = [...table.querySelectorAll('button, a')];
    const at = buttons.indexOf(document.activeElement);
    table.replaceChildren(...children);
    [...table.querySelectorAll('button, a')][at]?.focus();
    return;
  }
  table.replaceChildren(...children);
}

export function makeTile(label, value, className = '') {
  const box = make('div', `tile ${className}`.trim(), make('dt', '', label), make('dd', '', value));
  return box;
}
