// Runs the agent for one message in a tmux window of the chat, under `picortex run`.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startTurn } from 'picortex/turn';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('agent.sh', import.meta.url));
const TURN_TIMEOUT_MS = Number(process.env.BOT_TURN_TIMEOUT_MS ?? 600_000);
const SOCKET = process.env.PICORTEX_TMUX_SOCKET ? ['-S', process.env.PICORTEX_TMUX_SOCKET] : [];

const tmux = (words, options) => run('tmux', [...SOCKET, ...words], options);

// A chat's ID may have characters that mean something to tmux.
const sessionOf = (chat) => `chat-${createHash('sha256').update(chat).digest('hex').slice(0, 12)}`;

// Resolves to the agent's answer.
export async function runTurn({ chat, text, log }) {
  const turn = startTurn({ chat, log });
  const folder = await mkdtemp(join(tmpdir(), 'picortex-bot-'));
  try {
    await writeFile(join(folder, 'prompt'), text, { mode: 0o600 });
    await openWindow(turn, folder);
    const status = Number(await readFile(join(folder, 'status'), 'utf8'));
    if (status !== 0) throw new Error(`the agent exited with status ${status}`);
    const answer = await readFile(join(folder, 'answer'), 'utf8');
    turn.end({ outcome: 'answered' });
    return answer;
  } catch (error) {
    turn.end({ outcome: 'failed', level: 'error', err: error.message });
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

// tmux gives its windows the environment of its server, which may be older than the bot.
function passedOn() {
  const names = Object.keys(process.env).filter((name) => /^(PATH|HOME|XDG_STATE_HOME|BOT_AGENT|PICORTEX_(DATA_DIR|LISTEN|URL|TOKEN_FILE))$/.test(name));
  return names.flatMap((name) => ['-e', `${name}=${process.env[name]}`]);
}

// Resolves once the command in the window has ended.
async function openWindow(turn, folder) {
  const session = sessionOf(turn.chat);
  await tmux(['new-session', '-d', '-s', session]).catch((error) => {
    if (!/duplicate session/.test(error.stderr)) throw error;
  });
  const command = turn.command(['sh', SCRIPT, folder]);
  const window = ['new-window', '-d', '-t', `${session}:`, '-n', 'turn', '-c', process.cwd(), ...turn.tmuxArguments];
  await tmux([...window, ...passedOn(), 'sh', '-c', '"$@"; tmux wait-for -S "$0"', turn.requestId, ...command]);
  await tmux(['wait-for', turn.requestId], { timeout: TURN_TIMEOUT_MS });
}
