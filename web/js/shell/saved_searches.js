// Saved searches: addresses with a name, kept in this browser.

import { $, make, makeButton } from '../base/dom.js';
import { formatAddress, readAddress } from './address.js';
import { bindPopover } from './popover.js';
import { current } from './state.js';

const KEY = 'picortex-searches';
const SEARCHES_MAX = 100;

// What is stored may have been written by anything: only well-formed entries count.
function read() {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return stored.filter(({ name, address }) => typeof name === 'string' && typeof address === 'string').slice(0, SEARCHES_MAX);
  } catch {
    return [];
  }
}

function write(searches) {
  localStorage.setItem(KEY, JSON.stringify(searches.slice(0, SEARCHES_MAX)));
  show();
}

// The view, the time and the filter; what is open at the moment is no part of a search.
const searchAddress = () => formatAddress({ ...current(), event: '', story: '', tab: 'event' });

function show() {
  const searches = read();
  const entries = searches.map(({ name, address }) => {
    const link = make('a', '', name);
    // Of what is stored only the state is taken.
    link.href = formatAddress(readAddress(address)) || '#';
    link.addEventListener('click', () => $('saved-box').hidePopover());
    const remove = makeButton('plain', '×', () => write(read().filter((other) => other.name !== name)));
    remove.setAttribute('aria-label', `Remove ${name}`);
    return make('li', '', link, remove);
  });
  $('saved-list').replaceChildren(...entries);
  $('saved-none').hidden = entries.length > 0;
}

$('save-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const name = $('save-name').value.trim();
  if (name === '') return;
  $('save-name').value = '';
  write([...read().filter((other) => other.name !== name), { name, address: searchAddress() }].sort((a, b) => a.name.localeCompare(b.name)));
});

bindPopover($('saved-button'), $('saved-box'), show);
