// The story of a request: its conclusion, what its turn took, and its steps.

import { make, makeButton } from '../base/dom.js';
import { clockSeconds, delay, levelOf } from '../base/format.js';
import { current, navigate } from '../shell/state.js';
import { turnFacts } from './turn_facts.js';

function makeStep(event, startMs) {
  const level = levelOf(event);
  const offset = Date.parse(event.time) - startMs;
  const at = make('time', 'at', offset === 0 ? clockSeconds(startMs) : `+${delay(offset)}`);
  at.dateTime = at.title = event.time;
  const type = makeButton('link type', event.event_type, () => navigate({ event: event.id, story: '', tab: 'event' }, { isReplaced: current().event !== '' }));
  type.title = 'Show this event';
  const what = make('div', 'what', type, level === 'info' ? null : make('span', `badge ${level}`, event.level));
  const details = make('dl');
  for (const [name, value] of Object.entries(event.details)) {
    details.append(make('dt', '', name), make('dd', '', typeof value === 'string' ? value : JSON.stringify(value)));
  }
  return make('li', `step ${level}`, at, make('div', 'body', what, make('div', 'msg', event.what), details.childElementCount > 0 ? details : null));
}

// `turn` is what /api/turns knows of the request, or null.
export function makeStory(story, turn) {
  const box = make('div', 'story');
  const conclusion = make('p', `conclusion ${story.outcome}`, story.conclusion);
  conclusion.id = 'story-conclusion';
  box.append(conclusion);
  if (turn) box.append(turnFacts(turn));
  const filter = makeButton('', 'Show these events in the list', () =>
    navigate({ view: 'events', conditions: [`request=${story.request_id}`], text: '', range: { preset: 'all' }, event: '', story: '' }));
  filter.id = 'story-filter';
  const startMs = Date.parse(story.steps[0]?.time ?? new Date());
  const steps = make('ol', 'steps', ...story.steps.map((step) => makeStep(step, startMs)));
  steps.id = 'story-steps';
  box.append(steps);
  if (story.missing.length > 0) box.append(make('p', 'quiet', `The decision event did not say: ${story.missing.join(', ')}.`));
  if (story.cut_short) box.append(make('p', 'quiet', 'There is more than is shown here.'));
  box.append(filter);
  return box;
}
