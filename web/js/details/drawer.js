// The details of an event, or of a request, next to the list: the event's members, its story, and the events around it.

import { $, make, makeButton, makeCopyButton, showNotice } from '../base/dom.js';
import { askJson, Latest } from '../base/ask.js';
import { clockMs, dateTime, levelOf } from '../base/format.js';
import { TABS } from '../shell/address.js';
import { current, navigate, onChange } from '../shell/state.js';
import { makeValueButton } from '../shell/value_menu.js';
import { eventOf } from '../events/list.js';
import { eventsAround, findEvent } from './find_event.js';
import { makeJsonTree } from './json_tree.js';
import { makeStory } from './story.js';

const AROUND_COUNT = 10;  // events on each side

const latest = new Latest();
const drawer = $('drawer');
const panel = $('drawer-panel');
let shown = { event: null, requestId: '' };
let opener = null;      // what had the focus before
let isChatOnly = false; // of the events around

const isOpen = ({ event, story }) => event !== '' || story !== '';
export const drawerIsOpen = () => !drawer.hidden;

export function closeDrawer() {
  navigate({ event: '', story: '', tab: 'event' });
}

// Empties it, so that nothing that was read stays in the page.
export function clearDrawer() {
  latest.cancel();
  drawer.hidden = true;
  shown = { event: null, requestId: '' };
  panel.replaceChildren();
  $('drawer-title').textContent = '';
  $('drawer-sub').replaceChildren();
}

function memberList(event) {
  const list = make('dl', 'members');
  const add = (name, ...children) => list.append(make('dt', '', name), make('dd', '', ...children));
  const time = make('time', '', dateTime(Date.parse(event.time)));
  time.dateTime = time.title = event.time;
  add('time', time);
  add('level', makeValueButton('level', event.level));
  add('type', makeValueButton('type', event.event_type));
  if (event.chat_id) add('chat', makeValueButton('chat', event.chat_id));
  if (event.request_id) add('request', makeValueButton('request', event.request_id));
  add('id', make('code', '', event.id));
  return list;
}

function makeEventPanel(event) {
  const box = make('div', 'event-panel');
  if (event.msg) box.append(make('p', 'message', event.msg));
  box.append(memberList(event));
  if (event.data !== null && event.data !== undefined) box.append(make('h3', '', 'Data'), makeJsonTree(event.data));
  const actions = make('div', 'actions', makeCopyButton('', 'Copy ID', () => event.id), makeCopyButton('', 'Copy JSON', () => JSON.stringify(event, null, 2)),
                       makeCopyButton('', 'Copy link', () => location.href));
  return [actions, box];
}

async function makeStoryPanel(requestId, signal) {
  const [story, turns] = await Promise.all([
    askJson(`/api/story?id=${encodeURIComponent(requestId)}`, { signal }),
    askJson(`/api/turns?request_id=${encodeURIComponent(requestId)}`, { signal }).catch(() => ({ turns: [] })),
  ]);
  return [makeStory(story, turns.turns[0] ?? null)];
}

async function makeAroundPanel(event, signal) {
  const filter = isChatOnly && event.chat_id ? { chat_id: event.chat_id } : {};
  const events = await eventsAround(event, filter, AROUND_COUNT, signal);
  const only = make('input');
  only.type = 'checkbox';
  only.checked = isChatOnly;
  only.addEventListener('change', () => {
    isChatOnly = only.checked;
    fill();
  });
  const lines = events.toReversed().map((one) => {
    const line = makeButton('around-line', '', () => navigate({ event: one.id, tab: 'around' }, { isReplaced: true }));
    const time = make('time', 'time', clockMs(Date.parse(one.time)));
    time.dateTime = time.title = one.time;
    line.append(time, make('span', 'type', one.event_type), make('span', 'msg', one.msg ?? ''));
    const item = make('li', levelOf(one), line);
    if (one.id === event.id) item.setAttribute('aria-current', 'true');
    return item;
  });
  return [event.chat_id ? make('label', 'check', only, ' only this chat') : null, make('ol', 'around', ...lines)].filter(Boolean);
}

// Shows what the state asks for.
async function fill() {
  const { event: id, story, tab } = current();
  const isSame = shown.event?.id === id && id !== '';
  if (!isSame) panel.replaceChildren();
  const loading = setTimeout(() => showNotice(panelNotice(), 'loading', 'Loading…'), 150);
  try {
    const content = await latest.run(async (signal) => {
      let event = null;
      if (id !== '') {
        event = isSame ? shown.event : eventOf(id) ?? await findEvent(id, signal);
        if (event === null) throw new Error('No event has that ID');
      }
      shown = { event, requestId: event?.request_id ?? story };
      showHead();
      if (tab === 'event' && event) return makeEventPanel(event);
      return tab === 'around' && event ? makeAroundPanel(event, signal) : makeStoryPanel(shown.requestId, signal);
    });
    if (content !== undefined) panel.replaceChildren(...content);
  } catch (error) {
    panel.replaceChildren();
    showNotice(panelNotice(), 'error', `This cannot be read: ${error.message}`);
  } finally {
    clearTimeout(loading);
  }
}

function panelNotice() {
  const box = make('div');
  box.setAttribute('role', 'status');
  panel.replaceChildren(box);
  return box;
}

function showHead() {
  const { event, requestId } = shown;
  $('drawer-title').textContent = event ? event.event_type : 'Story';
  $('drawer-sub').replaceChildren(...(event ? [make('span', `badge ${levelOf(event)}`, event.level), make('span', 'quiet', clockMs(Date.parse(event.time))),
    make('span', 'chat', event.chat_id ?? '')] : [make('code', 'quiet', requestId)]));
}

function showTabs({ event, tab }) {
  for (const name of TABS) {
    const button = $(`tab-${name}`);
    button.hidden = event === '' && name !== 'story';
    button.setAttribute('aria-selected', String(name === tab));
    button.tabIndex = name === tab ? 0 : -1;
  }
  panel.setAttribute('aria-labelledby', `tab-${tab}`);
}

onChange((state, before) => {
  const wasOpen = !drawer.hidden;
  drawer.hidden = !isOpen(state);
  document.body.classList.toggle('has-drawer', !drawer.hidden);
  if (drawer.hidden) {
    if (wasOpen) {
      const hadFocus = drawer.contains(document.activeElement) || document.activeElement === document.body;
      clearDrawer();
      if (hadFocus) (opener?.isConnected ? opener : $('rows')).focus();
      opener = null;
    }
    return;
  }
  if (!wasOpen) opener = document.activeElement === document.body ? null : document.activeElement;
  const isChanged = !wasOpen || ['event', 'story', 'tab'].some((name) => state[name] !== before[name]);
  if (!isChanged) return;
  showTabs(state);
  fill();
  // From the list the arrow keys go on to the next event; from elsewhere, and where the details cover everything, they are read next.
  if (!wasOpen && (opener?.id !== 'rows' || matchMedia('(max-width: 700px)').matches)) panel.focus();
});

$('drawer-tabs').addEventListener('click', ({ target }) => {
  const button = target.closest('[role=tab]');
  if (button) navigate({ tab: button.id.slice('tab-'.length) }, { isReplaced: true });
});
// WAI-ARIA, tabs: the arrow keys select the next tab.
$('drawer-tabs').addEventListener('keydown', (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step === undefined || current().event === '') return;
  event.preventDefault();
  const tab = TABS[(TABS.indexOf(current().tab) + step + TABS.length) % TABS.length];
  navigate({ tab }, { isReplaced: true });
  $(`tab-${tab}`).focus();
});
$('drawer-close').addEventListener('click', closeDrawer);
