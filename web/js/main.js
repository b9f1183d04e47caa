// The start: periodic updates, and what happens when the gate opens and closes.

import { $ } from './base/dom.js';
import { clearDrawer } from './details/drawer.js';
import { startGate } from './shell/gate.js';
import './shell/keys.js';
import './shell/saved_searches.js';
import './shell/search_bar.js';
import { onZoneChange } from './shell/range_bar.js';
import { followAddress, forgetState, startFromAddress } from './shell/state.js';
import { clearEgress, refreshEgress } from './views/egress.js';
import { clearErrors, refreshErrors } from './views/errors.js';
import { closeEvents, redrawEvents, refreshEvents } from './views/events.js';
import { clearHealth, redrawCharts, refreshCharts, refreshHealth } from './views/health.js';
import { clearTurns, refreshTurns } from './views/turns.js';

let timers = [];

// A tab that is not looked at asks for nothing.
function every(ms, work) {
  timers.push(setInterval(() => document.hidden || work(), ms));
}

function open() {
  startFromAddress();
  refreshHealth();
  every(5_000, refreshHealth);
  every(10_000, refreshEvents);
  every(15_000, refreshTurns);
  every(30_000, refreshErrors);
  every(30_000, refreshEgress);
  every(30_000, refreshCharts);
}

// Nothing that was read stays in the page.
function close() {
  timers.forEach(clearInterval);
  timers = [];
  forgetState();
  clearDrawer();
  closeEvents();
  for (const clear of [clearTurns, clearErrors, clearEgress, clearHealth]) clear();
  for (const id of ['chips', 'value-menu']) $(id).replaceChildren();
}

onZoneChange(() => {
  redrawEvents();
  redrawCharts();
  for (const work of [refreshTurns, refreshErrors, refreshEgress, refreshEvents]) work();
});
followAddress();
startGate({ onOpen: open, onClose: close });
if ($('app').hidden) refreshHealth();
