// Every example for a shell in README.md and docs/ is run as its reader runs it, against a daemon with events, or is in a list below with the
// reason why not. docs_connect.test.mjs runs those of connect-your-bot.md, questions.test.mjs those of find-what-happened.md, and
// tests/cli/command_line_test.cpp parses the options of all that call picortex.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import test from 'node:test';
import { cleanUpAfter, testFile } from './support/cleanup.mjs';
import { repository } from './support/client_package.mjs';
import { binary, environment, eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { events } from './support/database.mjs';
import { postQuestions } from './support/questions.mjs';

const ELSEWHERE = ['docs/start/connect-your-bot.md', 'docs/guides/find-what-happened.md'];

// What is not run: the beginning of the command, and why.
const NOT_RUN = [
  ['git clone https://example.org/', 'needs the network'],
  ['./run.sh', 'builds the release'],
  ['./bench.sh', 'measures for an hour'],
  ['cmake --build build/release && (cd build/release && cpack)', 'builds the package, as tests/package.sh does'],
  ['cmake --preset arm64', 'builds for another machine'],
  ['cmake/arm64_sysroot.sh', 'downloads packages'],
  ['apt install', 'changes this host'],
  ['systemctl status picortex', 'needs an installed service'],
  ['sudo picortex claude install', 'changes this host; claude_command.test.mjs runs it elsewhere'],
  ['sudo install -m 600 /dev/null /etc/nginx/', 'changes this host; keep_the_key.test.mjs runs the proxy elsewhere'],
  ['sudo editor /etc/nginx/', 'waits for a person'],
  ['sudo nginx -t && sudo systemctl reload nginx', 'changes this host'],
  ['picortex stats --by chat --sum cost_usd --host bot-7', 'needs ClickHouse; fleet_questions.test.mjs has one'],
  ['picortex ship init --to \'clickhouse+http://ch.example:8123/default?table=picortex_events\' --apply', 'needs ClickHouse; ship_clickhouse.test.mjs has one'],
  ['picortex ship --to', 'needs ClickHouse, and runs until SIGTERM; ship_clickhouse.test.mjs has one'],
];

// What the reader has, and these tests have elsewhere: [in the document, in the test].
const STANDS_FOR = [
  [/^sudo (-u picortex )?/, ''],
  [/(?<!\d)127\.0\.0\.1:8787/g, '$AUTHORITY'],
  [/\/srv\//g, '$SRV/'],
  [/^picortex forget --chat "\$chat"/, 'picortex forget --chat garden --yes'],  // there is no terminal to ask; others are asked about later
  [/^tmux new-session -d/, 'tmux -L docs new-session -d'],
];

const daemon = await startDaemon(testFile);
await postQuestions(daemon);
// For what is done while no daemon runs.
const stopped = await startDaemon(testFile);
await postQuestions(stopped);
await stopped.stop();
const folder = await temporaryDirectory(testFile);
mkdirSync(join(folder, 'build/release'), { recursive: true });
for (const name of ['bin', 'srv/backup']) mkdirSync(join(folder, name), { recursive: true });
symlinkSync(daemon.dataDir, join(folder, 'var'));
for (const name of ['bin', 'build/release']) symlinkSync(binary, join(folder, name, 'picortex'));
writeFileSync(join(folder, 'bin/claude'), '#!/bin/sh\necho "answered: $2"\n');
chmodSync(join(folder, 'bin/claude'), 0o755);
const env = environment({
  PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}`, PICORTEX_LISTEN: daemon.authority, PICORTEX_DATA_DIR: daemon.dataDir,
  XDG_STATE_HOME: await temporaryDirectory(testFile), TMUX_TMPDIR: await temporaryDirectory(testFile), AUTHORITY: daemon.authority, SRV: join(folder, 'srv'),
  chat: 'work', text: 'hi', id: '019a2222-0000-7003-8000-000000000003',
});

async function shell(command, more = {}) {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', command], { cwd: folder, env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 });
  const result = { output: '', child };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (result.output += text));
  result.exited = once(child, 'close').then(([code]) => code);
  return result;
}
cleanUpAfter(testFile, async () => (await shell('tmux -L docs kill-server || true')).exited);

// The commands of a block: lines, joined while a line or a quotation goes on.
function commandsOf(text) {
  const commands = [];
  let command = '';
  for (const line of text.trimEnd().split('\n')) {
    command += command === '' ? line : `\n${line}`;
    const isOpen = line.endsWith('\\') || (command.match(/"/g)?.length ?? 0) % 2 === 1;
    if (isOpen) continue;
    commands.push(command);
    command = '';
  }
  assert.equal(command, '');
  return commands;
}

const documents = ['README.md', ...readdirSync(join(repository, 'docs'), { recursive: true }).filter((path) => path.endsWith('.md')).map((path) => `docs/${path}`)]
  .filter((path) => !ELSEWHERE.includes(path));
const blocks = documents.flatMap((path) => [...readFileSync(join(repository, path), 'utf8').matchAll(/^```(\w*)[^\n]*\n(.*?)^```$/gms)]
  .map(([, language, text]) => ({ path, language, text })));
const shellBlocks = blocks.filter(({ language }) => ['sh', 'bash', 'console'].includes(language));
const isSetting = (text) => /^[A-Z_]+=\S/.test(text) && !/^[A-Z_]+=\S+ \S+/.test(text.replaceAll(/'[^']*'/g, '\'\''));
const settings = blocks.filter(({ language, text }) => ['sh', ''].includes(language) && text.split('\n').filter(Boolean).every((line) => /^PICORTEX_\w+=/.test(line) && (language === '' || isSetting(line))));
const commands = shellBlocks.filter((block) => !settings.includes(block)).flatMap(({ path, text }) => commandsOf(text).map((command) => ({ path, command })));
const notRun = ({ command }) => NOT_RUN.find(([beginning]) => command.startsWith(beginning));

test('every reason for not running an example has its example', () => {
  for (const [beginning] of NOT_RUN) assert.ok(commands.some(({ command }) => command.startsWith(beginning)), beginning);
  assert.ok(commands.length > 40, `${commands.length} examples`);
  // What they name is there.
  for (const { command } of commands) {
    for (const [, script] of command.matchAll(/^(?:\.\/)?((?:cmake\/)?\w+\.sh)/g)) assert.ok(existsSync(join(repository, script)), script);
  }
});

for (const { path, command } of commands.filter((one) => !notRun(one))) {
  test(`${path}: ${command.split('\n')[0]}`, async () => {
    const line = STANDS_FOR.reduce((text, [from, to]) => text.replace(from, to), command).replace(/'(http:\/\/\$AUTHORITY[^']*)'/, '"$1"');
    const isOffline = /^picortex db /.test(line);
    const running = await shell(line, isOffline ? { PICORTEX_DATA_DIR: stopped.dataDir } : {});
    if (line.startsWith('curl -N')) {
      await eventually('the stream begins', () => running.output.includes('retry:'));
      running.child.kill();
      await running.exited;
      return;
    }
    const code = await running.exited;
    if (line === 'picortex doctor') {
      // It says what it finds on the machine that runs the tests.
      assert.match(running.output, /^\d+ checks: /m);
      return;
    }
    assert.equal(code, 0, `${line}\n${running.output}`);
    if (line.startsWith('curl -i')) assert.match(running.output, /^HTTP\/1\.1 20[04]/m, running.output);
    assert.doesNotMatch(running.output, /^picortex: .*(not delivered|cannot)/m);
  });
}

test('what the examples store is there', async () => {
  for (const where of ['msg = \'hello from a page\'', 'msg = \'hello from a chat\'', 'event_type = \'deploy.done\'', 'event_type = \'child.exit\'']) {
    await eventually(where, async () => (await events(daemon.dataDir, where)).length > 0);
  }
});

test('the settings of the documents are accepted', async () => {
  assert.ok(settings.length >= 4, `${settings.length} settings`);
  for (const { path, text } of settings) {
    // Programs and users that a reader has.
    const file = join(folder, 'settings.conf');
    writeFileSync(file, text.replace('/usr/local/bin/notify', '/bin/true').replace('bot:', 'root:').replace('unix:/run/picortex/socket', `unix:${join(folder, 'socket')}`)
      .replaceAll(/='(.*)'$/gm, '=$1'));
    const { PICORTEX_LISTEN, ...rest } = env;
    const child = spawn(binary, ['serve', '--check', '--config', file], { env: rest, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (more) => (output += more));
    const [code] = await once(child, 'close');
    assert.notEqual(code, 2, `${path}\n${text}${output}`);
    assert.doesNotMatch(output, /is not allowed|problem +config/, path);
  }
});

test('the rules of the allowlist\'s page are valid', async () => {
  const { text } = blocks.find(({ path, language }) => path === 'docs/reference/allowlist.md' && language === '');
  const file = join(folder, 'allowlist.txt');
  writeFileSync(file, text);
  for (const [target, allowed] of [['docs.example.org', 0], ['a.example.org', 0], ['192.0.2.7:8443', 0], ['other.example.com', 1]]) {
    const { output, exited } = await shell(`picortex egress test --egress-allowlist ${file} ${target}`);
    assert.equal(await exited, allowed, output);
  }
  const rules = text.split('\n').map((line) => line.split('#')[0].trim()).filter(Boolean);
  const listed = await shell(`picortex egress list --egress-allowlist ${file} --listen 127.0.0.1:1`);
  await listed.exited;
  for (const rule of rules) {
    const [host] = rule.split(' ');
    const isLeftOut = host.startsWith('!');
    assert.equal(listed.output.includes(isLeftOut ? host.slice(1) : host), !isLeftOut, `${rule}\n${listed.output}`);
  }
  assert.doesNotMatch(listed.output, /invalid|is no rule/);
});
