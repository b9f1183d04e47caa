// Data as a tree. Each value can be included in the filter or excluded.

import { make } from '../base/dom.js';
import { makeValueButton } from '../shell/value_menu.js';

const NODES_MAX = 2000;  // of one tree; a hostile event must not freeze the screen
const DEPTH_MAX = 24;
const OPEN_DEPTH = 2;    // deeper members are folded
const OWN_NAMES = new Set(['type', 'level', 'chat', 'request', 'msg']);

// Returns the name of a member in a condition; null if no condition can name it.
function pathOf(parent, name) {
  if (parent === null || !/^[^.=<>~!\s"]+$/.test(name)) return null;
  if (parent === '') return OWN_NAMES.has(name) ? `data.${name}` : name;
  return `${parent}.${name}`;
}

class Tree {
  #left = NODES_MAX;

  value(value, path, depth) {
    if (value === null) return make('span', 'json-null', 'null');
    if (typeof value !== 'object') {
      const kind = `json-${typeof value}`;
      if (typeof value === 'string' && (value.length > 120 || value.includes('\n'))) return make('pre', `json-long ${kind}`, value);
      const text = value === '' ? '""' : String(value);
      const shown = path === null ? make('span', '', text) : makeValueButton(path, value, text);
      shown.classList.add(kind);
      return shown;
    }
    if (depth >= DEPTH_MAX) return make('span', 'quiet', '…');
    return this.members(value, path, depth);
  }

  members(value, path, depth) {
    const isArray = Array.isArray(value);
    const names = Object.keys(value);
    const list = make('ul', 'json');
    for (const name of names) {
      if (--this.#left < 0) {
        list.append(make('li', 'quiet', '… more than is shown here: copy the JSON'));
        break;
      }
      // Of an array a condition matches any value.
      const own = isArray ? path : pathOf(path, name);
      const member = value[name];
      const isFolded = member !== null && typeof member === 'object' && Object.keys(member).length > 0;
      if (!isFolded) {
        list.append(make('li', '', make('span', 'json-name', name), this.value(member !== null && typeof member === 'object' ? JSON.stringify(member) : member,
                                                                               typeof member === 'object' ? null : own, depth + 1)));
        continue;
      }
      const fold = make('details', '', make('summary', '', make('span', 'json-name', name), make('span', 'quiet', sizeOf(member))));
      fold.open = depth < OPEN_DEPTH;
      fold.append(this.value(member, own, depth + 1));
      list.append(make('li', '', fold));
    }
    return list;
  }
}

function sizeOf(value) {
  const count = Object.keys(value).length;
  return Array.isArray(value) ? `[${count}]` : `{${count}}`;
}

export function makeJsonTree(data) {
  return new Tree().value(data, '', 0);
}
