// The Turns view: what an agent did for each message, what it cost and how long it took; a click shows the story.

import { $, make, makeButton, showNotice } from '../base/dom.js';
import { askJson, Latest } from '../base/ask.js';
import { clockSeconds, compact, cost, day, delay, number, plural } from '../base/format.js';
import { rangeTimes } from '../shell/address.js';
import { parseCondition, withCondition } from '../shell/filter.js';
import { current, navigate, onChange } from '../shell/state.js';
import { claimedMark, tokensOf } from '../details/turn_facts.js';
import { makeHead, makeOpener, makeTile, openOnClick, replaceRows } from './table.js';

const TURNS_MAX = 500;
const latest = new Latest();

const openStory = (id) => navigate({ event: '', story: id, tab: 'story' });
const chatOf = ({ conditions }) => conditions.map(parseCondition).find((one) => one?.name === 'chat' && one.operator === '=' && !one.isNegated)?.value ?? '';

function withoutChat() {
  return current().conditions.filter((condition) => parseCondition(condition)?.name !== 'chat');
}

function barCell(text, share, className) {
  const bar = make('i', `cell-bar ${className}`);
  bar.style.width = `${Math.max(share > 0 ? 1 : 0, share * 100)}%`;
  return make('td', 'bar-cell', make('span', 'cell-value', text), make('span', 'cell-track', bar));
}

function makeTurn(turn, most) {
  const start = make('td', 'nowrap');
  const opener = makeOpener('mono', `${day(Date.parse(turn.start))} ${clockSeconds(Date.parse(turn.start))}`, () => openStory(turn.request_id));
  opener.title = `The story of ${turn.request_id}`;
  start.append(opener);
  const chat = make('td', 'chat cut', turn.chat_id || '–');
  chat.title = turn.chat_id;
  const state = make('td', 'nowrap', make('span', `badge state-${turn.state}`, turn.state), claimedMark(turn) && ' ', claimedMark(turn));
  const tools = make('td', 'number', number(turn.tools), turn.failed_tools > 0 ? make('span', 'bad', `, ${number(turn.failed_tools)} failed`) : null);
  const errors = turn.api_errors + turn.retries;
  const row = make('tr', '', start, chat, state,
    barCell(delay(turn.duration_ms), turn.duration_ms / most.duration, 'duration'),
    barCell(cost(turn.cost_usd), (turn.cost_usd ?? 0) / most.cost, 'cost'),
    make('td', 'number', compact(tokensOf(turn))), tools,
    make('td', errors > 0 ? 'number bad' : 'number', number(errors)),
    make('td', turn.denied > 0 ? 'number bad' : 'number', number(turn.denied)));
  openOnClick(row, () => openStory(turn.request_id));
  return row;
}

function makeTable(turns) {
  const most = { duration: Math.max(1, ...turns.map((turn) => turn.duration_ms)), cost: Math.max(1e-9, ...turns.map((turn) => turn.cost_usd ?? 0)) };
  const { sort } = current();
  const sorter = (label, name) => {
    const button = makeButton('sorter', sort === name ? `${label} ↓` : label, () => navigate({ sort: name }));
    return button;
  };
  const sorted = (name) => (sort === name ? 'descending' : 'none');
  const columns = [[sorter('Start', 'start'), '', sorted('start')], ['Chat'], ['State'], [sorter('Duration', 'duration'), '', sorted('duration')],
    [sorter('Cost', 'cost'), '', sorted('cost')], [sorter('Tokens', 'tokens'), 'number', sorted('tokens')], ['Tools', 'number'],
    [sorter('Errors', 'errors'), 'number', sorted('errors')], ['Denied', 'number']];
  replaceRows($('turns-table'), makeHead(columns), make('tbody', '', ...turns.map((turn) => makeTurn(turn, most))));
}

function makeTiles(turns) {
  const known = turns.filter((turn) => turn.cost_usd !== null);
  const total = known.reduce((sum, turn) => sum + turn.cost_usd, 0);
  const sorted = turns.map((turn) => turn.duration_ms).sort((a, b) => a - b);
  const failed = turns.filter((turn) => turn.state === 'failed').length;
  const waiting = turns.filter((turn) => turn.state === 'waiting').length;
  const claimed = turns.filter((turn) => turn.claimed).length;
  $('turns-tiles').replaceChildren(
    makeTile('turns', number(turns.length)),
    makeTile(known.length < turns.length ? `cost, ${plural(turns.length - known.length, 'turn')} unknown` : 'cost', known.length > 0 ? cost(total) : 'unknown'),
    makeTile('median duration', turns.length > 0 ? delay(sorted[Math.floor(sorted.length / 2)]) : '–'),
    makeTile('failed', number(failed), failed > 0 ? 'bad' : ''),
    makeTile('waiting for permission', number(waiting), waiting > 0 ? 'warn' : ''),
    makeTile('claimed by the agent', number(claimed)));
}

function makeChats(turns) {
  const chats = new Map();
  for (const { chat_id: chat, cost_usd: usd } of turns) {
    const one = chats.get(chat) ?? { turns: 0, cost: 0, known: 0 };
    chats.set(chat, { turns: one.turns + 1, cost: one.cost + (usd ?? 0), known: one.known + (usd === null ? 0 : 1) });
  }
  const most = Math.max(1, ...[...chats.values()].map((one) => one.turns));
  const entries = [...chats].sort(([, a], [, b]) => b.cost - a.cost || b.turns - a.turns).slice(0, 50).map(([chat, one]) => {
    const button = makeButton('facet-include', '', () => navigate({ conditions: chatOf(current()) === chat ? withoutChat() : withCondition(withoutChat(), `chat=${chat}`) }));
    button.append(make('span', 'facet-name', chat || '(none)'), make('span', 'facet-count', `${one.turns} · ${one.known > 0 ? cost(one.cost) : 'unknown'}`));
    button.setAttribute('aria-pressed', String(chat !== '' && chatOf(current()) === chat));
    button.disabled = chat === '';
    const bar = make('i', 'facet-bar');
    bar.style.width = `${(100 * one.turns) / most}%`;
    return make('li', 'facet-value', button, bar);
  });
  $('turns-chats').replaceChildren(make('h2', '', 'By chat'), make('ul', '', ...entries));
  $('turns-chats').hidden = entries.length === 0;
}

export async function refreshTurns() {
  const state = current();
  if (state.view !== 'turns') return;
  const { sinceMs, untilMs } = rangeTimes(state.range, Date.now());
  const query = new URLSearchParams({ sort: state.sort, limit: TURNS_MAX });
  if (sinceMs !== null) query.set('since', sinceMs);
  if (untilMs !== null) query.set('until', untilMs);
  const chat = chatOf(state);
  if (chat !== '') query.set('chat_id', chat);
  try {
    const answer = await latest.run((signal) => askJson(`/api/turns?${query}`, { signal }));
    if (answer === undefined) return;
    const { turns } = answer;
    makeTiles(turns);
    makeChats(turns);
    makeTable(turns);
    $('turns-scroll').hidden = turns.length === 0;
    const isCut = turns.length === TURNS_MAX;
    if (turns.length > 0) showNotice($('turns-note'), '', ...(isCut ? [`These are the first ${TURNS_MAX} in this order; shorten the time to see the others.`] : []));
    else showNotice($('turns-note'), '', make('h2', '', chat ? 'No turn of this chat in this time' : 'No turn in this time'),
                    make('p', '', 'A turn is one message and all that the agent does for it. Turns appear once the bot posts its messages, or Claude Code reports to picortex: '),
                    make('code', '', 'picortex claude install'));
  } catch (error) {
    showNotice($('turns-note'), 'error', `The turns cannot be read: ${error.message}`);
  }
}

export function clearTurns() {
  latest.cancel();
  for (const id of ['turns-tiles', 'turns-table', 'turns-chats', 'turns-chat', 'turns-note']) $(id).replaceChildren();
}

function showChat(state) {
  const chat = chatOf(state);
  const remove = makeButton('chip-remove', '×', () => navigate({ conditions: withoutChat() }));
  remove.setAttribute('aria-label', `Remove chat=${chat}`);
  $('turns-chat').replaceChildren(...(chat === '' ? [] : [make('span', 'chip', make('span', 'chip-text', `chat=${chat}`), remove)]));
}

onChange((state, before) => {
  if (state.view !== 'turns') return;
  if (before.view !== 'turns') showNotice($('turns-note'), 'loading', 'Loading…');
  if (before.view !== 'turns' || state.range !== before.range || state.sort !== before.sort || state.conditions !== before.conditions) {
    showChat(state);
    refreshTurns();
  }
});
