// What the commands do on a terminal: colours, pager, width of the help. A terminal is made by script(1).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { picortex, seed, seededDaemon, zone } from './support/answers.mjs';
import { cleanUpAfter, testFile } from './support/cleanup.mjs';
import { binary, environment } from './support/daemon.mjs';

const { daemon, close } = await seededDaemon(testFile, seed);
cleanUpAfter(testFile, close);
const { dataDir } = daemon;
const colour = '\u001b[';

// Runs a line of a shell on a terminal of that width; what appears on it.
async function onTerminal(line, settings = {}, columns = 80) {
  const env = environment({ TZ: zone, PICORTEX_DATA_DIR: dataDir, TERM: 'xterm', picortex: binary, ...settings });
  for (const name of ['NO_COLOR', 'PAGER', 'LESS', 'COLUMNS']) {
    if (!(name in settings)) delete env[name];
  }
  const child = spawn('script', ['-qec', `stty cols ${columns} rows 24; ${line}`, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more) => (text += more));
  const [code] = await once(child, 'close');
  return { code, text: text.replaceAll('\r\n', '\n') };
}

test('--color decides, then NO_COLOR and the terminal', async () => {
  for (const words of [['logs'], ['why', '--chat', 'chat-x', '--last'], ['health', '--listen', daemon.authority], ['doctor']]) {
    const coloured = async (...more) => (await picortex(dataDir, [...words, ...more])).stdout.includes(colour);
    assert.deepEqual([await coloured(), await coloured('--color', 'always'), await coloured('--color=never'), await coloured('--color=auto')],
                     [false, true, false, false], words[0]);
  }
  const shown = async (line, settings) => (await onTerminal(line, { PICORTEX_NO_PAGER: '1', ...settings })).text.includes(colour);
  assert.equal(await shown('$picortex logs'), true);
  assert.equal(await shown('$picortex logs --color never'), false);
  assert.equal(await shown('$picortex logs', { NO_COLOR: '1' }), false);
  assert.equal(await shown('$picortex logs', { NO_COLOR: '1', PICORTEX_COLOR: 'always' }), true);
  assert.equal(await shown('$picortex logs --json --color always'), false);
  const wrong = await picortex(dataDir, ['logs', '--color', 'sometimes']);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /--color \(flag\): "sometimes" is not allowed: give auto, always or never/);
});

test('answers go through the pager on a terminal, and nowhere else', async () => {
  const PAGER = "sed 's/^/| /'";
  for (const line of ['logs', 'why --chat chat-x --last', 'stats', 'chats', 'errors', 'turns']) {
    const { code, text } = await onTerminal(`$picortex ${line}`, { PAGER });
    assert.equal(code, 0);
    if (line !== 'turns') assert.match(text, /^\| /m, line);  // there are no turns, which stderr says
    assert.doesNotMatch((await onTerminal(`$picortex ${line} --no-pager`, { PAGER })).text, /^\| /m, line);
  }
  assert.doesNotMatch((await onTerminal('$picortex logs --json', { PAGER })).text, /^\| /m);
  assert.doesNotMatch((await onTerminal('$picortex logs | cat', { PAGER })).text, /^\| /m);
  assert.doesNotMatch((await onTerminal('timeout 1 $picortex logs -f', { PAGER })).text, /^\| /m);
  for (const settings of [{ PAGER: '' }, { PAGER: 'cat' }, { PAGER: 'no-such-pager' }, { PAGER, TERM: 'dumb' }]) {
    assert.match((await onTerminal('$picortex logs', settings)).text, /please build it/, JSON.stringify(settings));
  }
  // What is shown keeps its colours, and the exit status is that of the command.
  assert.ok((await onTerminal('$picortex logs', { PAGER })).text.includes(colour));
  assert.equal((await onTerminal('$picortex why 00000000', { PAGER })).code, 1);
  // less ends by itself after a short answer.
  assert.match((await onTerminal('$picortex chats')).text, /^chat-x /m);
});

test('a pager that is closed early ends the command', async () => {
  const { text } = await onTerminal('$picortex logs', { PAGER: 'head -n 2' });
  assert.match(text, /^times are /);
});

test('help is as wide as the terminal', async () => {
  const widest = (text) => Math.max(...text.split('\n').map((line) => [...line].length));
  const narrow = await onTerminal('$picortex logs --help', {}, 70);
  assert.ok(widest(narrow.text) <= 70, narrow.text);
  assert.match(narrow.text, /^Examples:\n {2}picortex logs --since today$/m);
  const wide = await onTerminal('$picortex logs --help', {}, 200);
  assert.ok(widest(wide.text) > 70 && widest(wide.text) <= 200);
  const help = async (command, settings) => (await picortex(dataDir, [...command, '--help'], settings)).stdout;
  assert.ok(widest(await help(['logs'])) > 100);
  const commands = [...(await help([])).matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, name]) => name);
  assert.ok(commands.length > 15 && commands.includes('ship'), commands.join());
  await Promise.all(commands.map(async (command) => {
    // Examples are to be copied: they stay in one line.
    const [text] = (await help([command], { COLUMNS: '70' })).split('Examples:');
    assert.ok(widest(text) <= 70, text);
  }));
});

test('short options and a limit without an end', async (t) => {
  const short = await picortex(dataDir, ['logs', '-n', '2', '--json']);
  assert.equal(short.stdout.trim().split('\n').length, 2);
  const own = await seededDaemon(t, []);
  cleanUpAfter(t, own.close);
  // More than a hundred thousand, which is read in pages.
  const line = (n) => JSON.stringify({ event_type: 'page.test', time: Date.now() - 1_000_000 + n, msg: `m${n}` });
  for (let n = 0; n < 102_000; n += 6000) await own.store(Array.from({ length: 6000 }, (_, i) => line(n + i)).join('\n'));
  const all = await picortex(own.daemon.dataDir, ['logs', '--json', '-n', '1000000']);
  const messages = all.stdout.trim().split('\n').map((text) => JSON.parse(text).msg);
  assert.equal(messages.length, 102_000);
  assert.deepEqual([messages[0], messages.at(-1)], ['m0', 'm101999']);
  const most = await picortex(own.daemon.dataDir, ['logs', '-n', '101000']);
  const shown = most.stdout.split('\n').filter((text) => /m\d+$/.test(text));
  assert.equal(shown.length, 101_000);
  assert.match(shown[0], /m1000$/);
  assert.match(most.stderr, /these are the newest 101000 of 102,?000 events/);
});
