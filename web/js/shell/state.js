// The state of the screen, and its history in the browser. Each part of the page listens; only navigate() changes it.

import { hasToken } from '../base/ask.js';
import { BEGINNING, formatAddress, problemIn, readAddress } from './address.js';

// Before the gate opens there is no view, so that opening it is a change of view.
const NOTHING = Object.freeze({ ...BEGINNING, view: '' });

let state = NOTHING;
const listeners = [];

export const current = () => state;

// `work` is called with the new state and the one before.
export function onChange(work) {
  listeners.push(work);
}

function become(next) {
  const before = state;
  state = next;
  for (const work of listeners) work(next, before);
}

// Changes these members. A step that the Back button must not return to, such as from one open event to the next, replaces the last one.
export function navigate(changes, { isReplaced = false } = {}) {
  const next = { ...state, ...changes };
  next.problem = problemIn(next);
  const address = formatAddress(next) || location.pathname;
  if (isReplaced) history.replaceState(null, '', address);
  else if (address !== (location.hash || location.pathname)) history.pushState(null, '', address);
  become(next);
}

// Returns the address of the state with these changes, for a link.
export const linkTo = (changes) => formatAddress({ ...state, ...changes }) || '#';

export function startFromAddress() {
  become(readAddress(location.hash));
}

export function forgetState() {
  state = NOTHING;
}

// A link that is pasted, a link of this page, and the browser's Back and Forward buttons.
export function followAddress() {
  addEventListener('hashchange', () => hasToken() && become(readAddress(location.hash)));
}
