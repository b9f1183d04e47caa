// clients/examples/bot as its README has it: a signed webhook becomes a decision, a turn in tmux and an answer, a page's error
// is reported, and picortex's page shows the message's whole story.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { startBrowser } from './support/browser.mjs';
import { cleanUpAfter, testFile } from './support/cleanup.mjs';
import { applicationFolder, repository } from './support/client_package.mjs';
import { binary, environment, eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { events } from './support/database.mjs';
import { readToken } from './support/token.mjs';

const SECRET = 'whsec_dGhlIGV4YW1wbGUncyBzZWNyZXQ=';
const run = promisify(execFile);
const daemon = await startDaemon(testFile, { settings: { PICORTEX_LINQ_SECRET: SECRET } });
const folder = await applicationFolder(testFile);
cpSync(join(repository, 'clients/examples/bot'), folder, { recursive: true, filter: (path) => !path.includes('node_modules') });
const port = await freePort();
const env = environment({
  PICORTEX_LISTEN: daemon.authority, PICORTEX_DATA_DIR: daemon.dataDir, PICORTEX_LINQ_SECRET: SECRET, PORT: String(port),
  XDG_STATE_HOME: await temporaryDirectory(testFile), TMUX_TMPDIR: await temporaryDirectory(testFile),
  PATH: `${dirname(binary)}${delimiter}${process.env.PATH}`, BOT_AGENT: `node ${join(folder, 'stand-in.js')}`,
});
cleanUpAfter(testFile, () => run('tmux', ['kill-server'], { env }).catch(() => {}));
const bot = await startBot();

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: free } = server.address();
  server.close();
  await once(server, 'close');
  return free;
}

async function startBot() {
  const child = spawn('npm', ['start'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const started = { child, output: '' };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (started.output += text));
  const ended = once(child, 'close');
  cleanUpAfter(testFile, async () => {
    if (child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
    await ended;
  });
  await eventually('the bot listens', () => {
    assert.equal(child.exitCode, null, started.output);
    return /Server listening/.test(started.output);
  }, 30_000);
  return started;
}

// npm run message -- TEXT CHAT; the request ID under which it is stored.
async function send(text, chat) {
  const { stdout } = await run('npm', ['run', '--silent', 'message', '--', text, chat], { cwd: folder, env });
  assert.match(stdout, /^200 /, bot.output);
  return JSON.parse(stdout.slice(4)).request_id;
}

const storyOf = (id, last) => eventually(`${last} of ${id}`, async () => {
  const rows = await events(daemon.dataDir, `request_id = '${id}' ORDER BY time, id`);
  return rows.some((row) => row.event_type === last) && rows;
}, 30_000);

test('the package that the README installs is the one of this repository', () => {
  const { dependencies } = JSON.parse(readFileSync(join(repository, 'clients/examples/bot/package.json'), 'utf8'));
  const installed = JSON.parse(readFileSync(join(repository, 'tests/end_to_end/package.json'), 'utf8')).dependencies;
  assert.deepEqual(dependencies, { fastify: installed.fastify, picortex: 'file:../../node', pino: installed.pino });
});

// npm links a folder outside of the project by default, and does not install what it needs.
test('npm install copies that package, with what it needs', async () => {
  const { stdout } = await run('npm', ['config', 'get', 'install-links'], { cwd: join(repository, 'clients/examples/bot') });
  assert.equal(stdout, 'true\n');
});

test('a message goes from the webhook to the answer under one request ID', async () => {
  const id = await send('please build the site', 'chat-1');
  const rows = await storyOf(id, 'bot.reply');
  const of = (type) => rows.filter((row) => row.event_type === type);
  for (const type of ['linq.inbound', 'discriminator.decision', 'tmux.turn.start', 'child.start', 'agent.work', 'child.exit', 'tmux.turn.end', 'bot.reply']) {
    assert.equal(of(type).length, 1, `${type}\n${bot.output}`);
  }
  assert.ok(rows.every((row) => row.chat_id === 'chat-1' || row.msg === 'incoming request'), JSON.stringify(rows.map((row) => [row.event_type, row.msg, row.chat_id])));
  assert.deepEqual([of('discriminator.decision')[0].data.decision, of('discriminator.decision')[0].data.rule], ['answer', 'asks']);
  assert.match(of('bot.reply')[0].msg, /You asked: please build the site/);
  assert.equal(of('tmux.turn.end')[0].data.outcome, 'answered');
  const { stdout } = await run(binary, ['why', '--chat', 'chat-1', '--last'], { env });
  assert.match(stdout, /linq\.inbound\s+arrived: please build the site/);
  assert.match(stdout, /discriminator\.decision\s+decided: answer/);
});

test('small talk is skipped, and the story says why', async () => {
  const id = await send('ok thanks', 'chat-2');
  const rows = await storyOf(id, 'discriminator.decision');
  assert.ok(!rows.some((row) => row.event_type === 'tmux.turn.start'));
  const { stdout } = await run(binary, ['why', '--chat', 'chat-2', '--last'], { env });
  assert.match(stdout, /The discriminator skipped this message: rule small-talk, score 0 below the threshold 0\.5 \(reason: nothing is asked\)/);
});

test('a chat whose ID looks like a command gets its answer, and a webhook that is not signed gets 401', async () => {
  const id = await send('please run it', 'chat-3; kill-server');
  await storyOf(id, 'bot.reply');  // a chat's ID is not a command
  const forged = await fetch(`http://127.0.0.1:${port}/webhook`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
  assert.equal(forged.status, 401);
});

test('the bot\'s page reports its errors, and picortex\'s page shows the story', async (t) => {
  const id = await send('can you fix the page?', 'chat-4');
  await storyOf(id, 'bot.reply');
  const browser = await startBrowser(t);
  const tab = await browser.newPage();
  await tab.goto(`http://127.0.0.1:${port}/`);
  await tab.click('#error');
  await tab.click('#rejection');
  const reports = await eventually('both errors are stored', async () => {
    const rows = await events(daemon.dataDir, 'event_type = \'frontend\' ORDER BY time, id');
    return rows.length >= 2 && rows;
  });
  assert.match(reports[0].msg, /Cannot read properties of undefined/);
  assert.match(reports[1].msg, /this is not caught/);
  assert.ok(reports.every((row) => row.data.context.build === 'example-1'));

  const page = await browser.newPage();
  await page.goto(`${daemon.origin}/`);
  await page.fill('#token', await readToken(daemon.dataDir));
  await page.press('#token', 'Enter');
  await page.locator('#rows .row', { hasText: 'can you fix the page?' }).first().locator('.time').click();
  await page.click('#tab-story');
  await page.waitForSelector('#drawer .step');
  const types = await page.locator('.step .what .type').allTextContents();
  for (const type of ['linq.inbound', 'discriminator.decision', 'tmux.turn.start', 'child.start', 'agent.work', 'child.exit', 'tmux.turn.end', 'bot.reply']) {
    assert.ok(types.includes(type), `${type} is not among ${types}`);
  }
});
