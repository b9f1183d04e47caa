// What an agent's turn took, in a few facts.

import { make } from '../base/dom.js';
import { bytes, cost, delay, number, plural } from '../base/format.js';

// Returns the mark of data that an agent reported of itself; null for data of the bot or the daemon.
export function claimedMark(turn) {
  if (!turn.claimed) return null;
  const mark = make('span', 'badge claimed', 'claimed');
  mark.title = 'Reported by the agent itself, with a token that it can read. Nothing proves it.';
  return mark;
}

export const tokensOf = (turn) => turn.input_tokens + turn.cache_read_tokens + turn.cache_creation_tokens + turn.output_tokens;

export function turnFacts(turn) {
  const facts = make('dl', 'facts');
  const add = (name, text, ...more) => facts.append(make('div', '', make('dt', '', name), make('dd', '', text, ...more)));
  add('State', turn.state, claimedMark(turn) && ' ', claimedMark(turn));
  add('Duration', delay(turn.duration_ms));
  add('Cost', cost(turn.cost_usd), turn.calls_of_unknown_cost > 0 ? ` + ${plural(turn.calls_of_unknown_cost, 'call')} of unknown cost` : null);
  add('Model calls', number(turn.model_calls), turn.api_errors + turn.retries > 0 ? `, ${plural(turn.api_errors, 'error')}, ${plural(turn.retries, 'retry', 'retries')}` : null);
  add('Tokens', `${number(turn.input_tokens)} in, ${number(turn.cache_read_tokens)} cached, ${number(turn.output_tokens)} out`);
  add('Tools', number(turn.tools), turn.failed_tools > 0 ? `, ${number(turn.failed_tools)} failed` : null, turn.rejected_tools > 0 ? `, ${number(turn.rejected_tools)} rejected` : null);
  if (turn.permission_ms > 0) add('Waited for permission', delay(turn.permission_ms));
  if (turn.subagents > 0) add('Subagents', number(turn.subagents));
  if (turn.connections + turn.denied > 0) add('Connections', `${number(turn.connections)}, ${number(turn.denied)} denied`);
  if (turn.bytes_up !== null) add('Sent', bytes(turn.bytes_up));
  if (turn.lost_records > 0) add('Lost records', number(turn.lost_records));
  return facts;
}
