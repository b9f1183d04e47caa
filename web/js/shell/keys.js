// Keys of the whole page; the list and the histogram have their own.

import { $ } from '../base/dom.js';
import { closeDrawer, drawerIsOpen } from '../details/drawer.js';
import { isPaused, setPaused } from '../events/list.js';
import { VIEWS } from './address.js';
import { openView } from './navigation.js';
import { current } from './state.js';

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $('app').hidden || event.defaultPrevented) return;
  // An open box takes its own Escape.
  if (document.querySelector(':popover-open')) return;
  if (event.key === 'Escape' && drawerIsOpen()) {
    closeDrawer();
  } else if (event.target.matches('input, select, textarea')) {
    return;
  } else if (event.key === '/' && current().view === 'events') {
    $('prompt').focus();
  } else if (event.key === 'p' && current().view === 'events') {
    setPaused(!isPaused());
  } else if ((event.key === 'j' || event.key === 'k') && current().view === 'events' && !$('rows').contains(event.target)) {
    $('rows').focus();
    $('rows').dispatchEvent(new KeyboardEvent('keydown', { key: event.key }));
  } else if (/^[1-5]$/.test(event.key)) {
    openView(VIEWS[Number(event.key) - 1]);
  } else {
    return;
  }
  event.preventDefault();
});
