// A turn: one message of a chat, and all that the agent does for it, under one request ID.
import { defaultClient } from './client.js';
import { Context, currentContext, runInContext } from './context.js';
import { isUuid } from './uuid.js';

// Begins a turn and reports it as tmux.turn.start. The request ID is the given one, else that of the current context,
// else a new one.
export function startTurn({ chat, requestId, log, client, ...fields } = {}) {
  const current = currentContext();
  const turn = new Turn(new Context({ requestId: requestId ?? current?.requestId, chatId: chat ?? current?.chatId }),
                        emitter(log, client));
  turn.begin(fields);
  return turn;
}

// The turn that this process was started for, from its environment; undefined when it was not.
export function inheritedTurn({ environment = process.env, log, client } = {}) {
  if (!isUuid(environment.PICORTEX_REQUEST_ID)) return undefined;
  const context = new Context({ requestId: environment.PICORTEX_REQUEST_ID, chatId: environment.PICORTEX_CHAT_ID });
  return new Turn(context, emitter(log, client));
}

function emitter(log, client) {
  if (log) return ({ level, msg, ...event }) => log[level](event, msg);
  return (event) => (client ?? defaultClient()).emit(event);
}

class Turn {
  #context;
  #emit;
  #startedAt = Date.now();
  #isEnded = false;

  constructor(context, emit) {
    this.#context = context;
    this.#emit = emit;
  }

  get requestId() {
    return this.#context.requestId;
  }

  get chat() {
    return this.#context.chatId;
  }

  // PICORTEX_REQUEST_ID and PICORTEX_CHAT_ID, for spawn(): { env: { ...process.env, ...turn.env } }.
  get env() {
    return this.#context.environment();
  }

  // Arguments for tmux new-session, new-window, split-window and respawn-pane: tmux hands its panes the environment of its
  // server, not that of the process that asks for them.
  get tmuxArguments() {
    return Object.entries(this.env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  }

  // The command under `picortex run`, which reports its start and end, and by which the fence knows the turn.
  command(words, { picortex = 'picortex' } = {}) {
    if (!Array.isArray(words) || words.length === 0) throw new TypeError('command() needs a list of words.');
    return [picortex, 'run', ...(this.chat === undefined ? [] : ['--chat', this.chat]), '--', ...words];
  }

  // The same as one line for a shell in a pane that is there already: tmux send-keys -l LINE.
  shellLine(words, options) {
    const assignments = Object.entries(this.env).map(([name, value]) => `${name}=${quote(value)}`);
    return [...assignments, ...this.command(words, options).map(quote)].join(' ');
  }

  // Calls `work` in the turn's context: what it logs carries the turn's IDs.
  run(work, ...words) {
    return runInContext(this.#context, work, ...words);
  }

  // An event of the turn.
  emit(event) {
    const { level = 'info', ...rest } = event;
    this.#emit({ level, ...this.#context.fields(), ...rest });
  }

  begin(fields) {
    this.emit({ event_type: 'tmux.turn.start', msg: 'a turn began', ...fields });
  }

  // Reports tmux.turn.end, once; later calls do nothing. `outcome` is a word of yours, such as "answered" or "failed".
  end({ outcome = 'ended', level = 'info', ...fields } = {}) {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.emit({ level, event_type: 'tmux.turn.end', outcome, duration_ms: Date.now() - this.#startedAt,
      msg: `the turn ended: ${outcome}`, ...fields });
  }
}

function quote(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll('\'', '\'\\\'\'')}'`;
}
