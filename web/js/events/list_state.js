// The state of the list of events: what the screen may claim. Pure, so that Node tests it without a browser.
//
// state     what is true                                                        what the screen says
// loading   the stream is open or opening; the newest result page is read       loading…
// live      every stored event that fits is there, and new ones appear          live
// filtered  the same, for the events that pass the filters                      live, with the mark "filtered"
// paused    the same, but new events wait: because of the button, scrolling,    paused
//           or open details
// broken    the filters are invalid; nothing is requested until they change     invalid filter: REASON
// resuming  the stream or the page could not be read; it is tried again         reconnecting…
//
// input     meaning
// changed   the filters have changed and are valid: the list starts again
// invalid   the filters are invalid
// opened    the stream delivers from here on, without a gap after what it delivered before, if anything
// gap       the stream starts again: events between what it delivered before and now may be missing
// loaded    the newest result page is in the list
// lost      the stream ended, or it or the result page could not be read
// rejected  the daemon will not answer these filters, however often it is asked
// held      new events must wait
// released  new events must appear
//
// "shown" in the table means live, filtered or paused, depending on filters and pause; "whole" leads to loading instead if the list has not
// been loaded since the filters changed or since a gap. A state that a row does not name for an input stays as it is.
export const LIST_EDGES = {
  loading: { changed: 'loading', invalid: 'broken', opened: 'loading', gap: 'loading', loaded: 'shown', lost: 'resuming', rejected: 'broken' },
  live: { changed: 'loading', invalid: 'broken', gap: 'loading', lost: 'resuming', rejected: 'broken', held: 'shown' },
  filtered: { changed: 'loading', invalid: 'broken', gap: 'loading', lost: 'resuming', rejected: 'broken', held: 'shown' },
  paused: { changed: 'loading', invalid: 'broken', gap: 'loading', lost: 'resuming', rejected: 'broken', released: 'shown' },
  broken: { changed: 'loading', invalid: 'broken' },
  resuming: { changed: 'loading', invalid: 'broken', opened: 'whole', gap: 'loading', lost: 'resuming', rejected: 'broken' },
};

export const LIST_BEGINNING = Object.freeze({ name: 'loading', isWhole: false, isHeld: false, isFiltered: false, reason: '' });

function shownState({ isHeld, isFiltered }) {
  if (isHeld) return 'paused';
  return isFiltered ? 'filtered' : 'live';
}

// Returns the state after an input, { type, isFiltered (of changed), reason (of invalid and rejected) }. Throws for an unknown one.
export function nextListState(state, input) {
  const edge = LIST_EDGES[state.name][input.type];
  if (!Object.values(LIST_EDGES).some((row) => input.type in row)) throw new Error(`no input ${input.type}`);
  const next = { ...state };
  if (input.type === 'held' || input.type === 'released') next.isHeld = input.type === 'held';
  if (edge === undefined) return next;
  if (input.type === 'changed') next.isFiltered = input.isFiltered;
  if (edge === 'loading' && input.type !== 'opened') next.isWhole = false;
  if (input.type === 'loaded') next.isWhole = true;
  if (edge === 'shown') next.name = shownState(next);
  else if (edge === 'whole') next.name = next.isWhole ? shownState(next) : 'loading';
  else next.name = edge;
  if (next.name === 'broken') next.isWhole = false;
  next.reason = next.name === 'broken' ? input.reason : '';
  return next;
}

export function listStateText({ name, reason }) {
  return {
    loading: 'loading…', live: 'live', filtered: 'live', paused: 'paused', broken: `invalid filter: ${reason}`, resuming: 'reconnecting…',
  }[name];
}
