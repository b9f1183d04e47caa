// One line of the list: time, level, type, chat, message, and the beginning of the data. Each value can be clicked: the attribute data-name
// has its field.

import { make } from '../base/dom.js';
import { clockMs, day, levelOf } from '../base/format.js';
import { conditionOf } from '../shell/filter.js';

const PAIRS_MAX = 16;
const SIZE_MAX = 400;
// Members that are the same in every line, or mean little to a reader: last.
const DULL = new Set(['session_id', 'prompt_id', 'pid', 'hostname', 'resource', 'scope', 'trace_id', 'span_id', 'claimed']);

function value(className, name, text) {
  const element = make('span', className, text);
  if (conditionOf(name, text) !== null) {
    element.classList.add('value');
    element.dataset.name = name;
    element.dataset.value = text;
  }
  return element;
}

function appendData(box, data) {
  if (data === null || data === undefined) return;
  if (typeof data !== 'object') {
    box.append(make('span', 'data', String(data).slice(0, SIZE_MAX)));
    return;
  }
  let size = 0;
  const members = Object.entries(data);
  const dull = members.filter(([name]) => DULL.has(name));
  for (const [name, member] of [...members.filter(([name]) => !DULL.has(name)), ...dull].slice(0, PAIRS_MAX)) {
    if (size > SIZE_MAX) break;
    const text = (typeof member === 'string' ? member : JSON.stringify(member)).slice(0, SIZE_MAX - size + 40);
    size += name.length + text.length + 2;
    const pair = make('span', 'data', `${name}=${text}`);
    if (conditionOf(name, member) !== null) {
      pair.classList.add('value');
      pair.dataset.name = name;
      pair.dataset.value = member;
    }
    box.append(' ', pair);
  }
}

export function makeEventRow(event) {
  const level = levelOf(event);
  const row = make('li', `row ${level}`);
  row.dataset.id = event.id;
  const time = new Date(event.time);
  const at = make('time', 'time', make('span', 'day', day(time)), ' ', clockMs(time));
  at.dateTime = at.title = event.time;
  const text = make('span', 'text');
  if (event.msg) text.append(make('span', 'msg', event.msg));
  else text.append(make('span', 'msg'));
  appendData(text, event.data);
  row.append(at, value('level', 'level', event.level), value('type', 'type', event.event_type),
             event.chat_id ? value('chat', 'chat', event.chat_id) : make('span', 'chat'), text);
  return row;
}
