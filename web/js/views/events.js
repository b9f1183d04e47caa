// The Events view: histogram, facets, and the list that follows the stream.

import { $, showNotice } from '../base/dom.js';
import { eventsQuery, isFiltered } from '../shell/address.js';
import { current, onChange } from '../shell/state.js';
import { clearFacets, refreshFacets } from '../events/facets.js';
import { clearHistogram, redrawHistogram, refreshHistogram } from '../events/histogram.js';
import { clearList, dispatch, eventList, note, setSource, syncHeld, whenListOverflows } from '../events/list.js';
import { ListRun } from '../events/list_run.js';

let run = null;  // the ListRun that fills the list

function stop() {
  run?.stop();
  run = null;
  setSource(null);
}

function restart() {
  stop();
  clearList();
  const state = current();
  if (state.problem !== '') {
    clearHistogram();
    clearFacets();
    dispatch({ type: 'invalid', reason: state.problem });
    note(`${state.problem}. Nothing is shown until it is corrected.`);
    return;
  }
  dispatch({ type: 'changed', isFiltered: isFiltered(state) });
  showNotice($('list-note'), 'loading', 'Loading…');
  run = new ListRun(eventsQuery(state, Date.now()));
  setSource(run);
  run.start();
  refreshHistogram();
  refreshFacets();
}

const asked = ({ range, text, conditions, problem }) => JSON.stringify([range, text, conditions, problem]);

onChange((state, before) => {
  if (run === null && state.view !== 'events') return;
  if (state.view !== 'events') {
    stop();
    return;
  }
  if (before.view !== 'events' || run === null || asked(state) !== asked(before)) restart();
  syncHeld();
  if (state.event === '') eventList.deselect();
});
whenListOverflows(restart);

// Reads the counts again, which the stream does not carry.
export async function refreshEvents() {
  if (current().view !== 'events' || run === null) return;
  await Promise.all([refreshHistogram(), refreshFacets()]);
}

export function closeEvents() {
  stop();
  clearList();
  clearHistogram();
  clearFacets();
}

export function redrawEvents() {
  eventList.redraw();
  redrawHistogram();
}
