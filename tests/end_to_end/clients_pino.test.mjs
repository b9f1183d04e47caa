// The pino transport of clients/node in a real pino logger, against a daemon that is restarted, slow, full, and gone.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cleanUpAfter, testFile } from './support/cleanup.mjs';
import { applicationFolder } from './support/client_package.mjs';
import { environment, eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { events, query } from './support/database.mjs';
import { SwitchableProxy } from './support/switchable_proxy.mjs';

const application = await applicationFolder(testFile);

let programs = 0;

// Runs an ES module in the application's folder; `log` is its logger, `options` those of the transport.
function startProgram(owner, source, { options = {}, settings = {} } = {}) {
  const file = join(application, `program-${++programs}.mjs`);
  writeFileSync(file, `import pino from 'pino';
    const log = pino({ level: 'trace', transport: { target: 'picortex/pino', options: ${JSON.stringify(options)} } });
    ${source}`);
  const child = spawn(process.execPath, [file], { env: environment(settings), stdio: ['ignore', 'pipe', 'pipe'] });
  cleanUpAfter(owner, () => child.kill('SIGKILL'));
  const program = { child, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (program.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (program.stderr += text));
  program.ended = once(child, 'close').then(([code]) => ({ ...program, code }));
  return program;
}

async function run(owner, source, more) {
  const end = await startProgram(owner, source, more).ended;
  assert.equal(end.code, 0, end.stderr);
  return end;
}

const settingsOf = (daemon, spool) => ({ PICORTEX_URL: daemon.origin, PICORTEX_DATA_DIR: daemon.dataDir, XDG_STATE_HOME: spool });

test('100,000 lines through 20 restarts, a slow daemon, a full one and one that is gone: each is stored once', async (t) => {
  const LINES = 100_000;
  const dataDir = await temporaryDirectory(t);
  const state = await temporaryDirectory(t);
  const proxy = await new SwitchableProxy().listen(t);
  const hosts = { PICORTEX_HOSTS: `127.0.0.1:${proxy.port}` };
  let daemon = await startDaemon(t, { dataDir, settings: hosts });
  proxy.target = daemon.address;
  const restart = async (signal, pauseMs, settings = {}) => {
    daemon.kill(signal);
    await daemon.exited;
    await sleep(pauseMs);
    daemon = await startDaemon(t, { dataDir, settings: { ...hosts, ...settings } });
    proxy.target = daemon.address;
  };
  // Writes for as long as the test does something to the daemon.
  const program = startProgram(t, `
    let n = 0;
    process.stdin.resume();
    const step = () => {
      for (const end = Math.min(n + 400, ${LINES}); n < end; ++n) log.info({ n, chat_id: 'chat-' + n % 7 }, 'line');
      if (n < ${LINES}) return setTimeout(step, 40);
      process.stdout.write('written');
    };
    step();`, { settings: { PICORTEX_URL: proxy.url, PICORTEX_DATA_DIR: dataDir, XDG_STATE_HOME: state } });
  for (let i = 0; i < 6; ++i) await restart(i % 2 ? 'SIGTERM' : 'SIGKILL', i * 30);
  proxy.mode = 'deaf';  // what it stored is sent again
  await sleep(700);
  proxy.mode = 'open';
  for (let i = 0; i < 6; ++i) await restart(i % 2 ? 'SIGTERM' : 'SIGKILL', 0);
  Object.assign(proxy, { mode: 'slow', delayMs: 300 });
  await sleep(1_500);
  proxy.mode = 'open';
  await restart('SIGKILL', 0, { PICORTEX_MIN_FREE_BYTES: '1000000000000000' });
  await sleep(1_500);
  await restart('SIGTERM', 3_000);  // gone for 3 seconds
  for (let i = 0; i < 6; ++i) await restart(i % 2 ? 'SIGTERM' : 'SIGKILL', i * 20);
  await eventually('all lines are written', () => program.stdout === 'written', 30_000);
  const end = await program.ended;
  assert.equal(end.code, 0, end.stderr);
  // What the end of the process left in the spool, another process delivers.
  const stored = async () => (await query(dataDir, 'SELECT count(*) AS total FROM events WHERE event_type = \'log\''))[0].total;
  for (let round = 0; round < 10 && (await stored()) < LINES; ++round) {
    await run(t, 'setTimeout(() => {}, 3000)', { settings: { PICORTEX_URL: proxy.url, PICORTEX_DATA_DIR: dataDir, XDG_STATE_HOME: state } });
  }
  assert.equal(await stored(), LINES, `the spool has ${readdirSync(join(state, 'picortex/spool')).join(' ')}\n${end.stderr}`);
  const [counts] = await query(dataDir, `SELECT count(*) AS total, count(DISTINCT json_extract(data, '$.n')) AS different,
    min(json_extract(data, '$.n')) AS least, max(json_extract(data, '$.n')) AS most FROM events WHERE event_type = 'log'`);
  assert.deepEqual(counts, { total: LINES, different: LINES, least: 0, most: LINES - 1 });
  assert.deepEqual(await events(dataDir, 'event_type LIKE \'client.%\''), []);
  assert.match(end.stderr, /events are not delivered: .*kept in .*spool for the next try/);
});

test('the end of an outage is reported as its beginning is', async (t) => {
  const dataDir = await temporaryDirectory(t);
  const state = await temporaryDirectory(t);
  const proxy = await new SwitchableProxy({ host: '127.0.0.1', port: 1 }).listen(t);
  const daemon = await startDaemon(t, { dataDir, settings: { PICORTEX_HOSTS: `127.0.0.1:${proxy.port}` } });
  const program = startProgram(t, 'log.info("kept"); setInterval(() => {}, 1000);',
    { settings: { PICORTEX_URL: proxy.url, PICORTEX_DATA_DIR: dataDir, XDG_STATE_HOME: state } });
  await eventually('the outage', () => /events are not delivered/.test(program.stderr), 20_000);
  proxy.target = daemon.address;
  await eventually('its end', () => /stores events again/.test(program.stderr), 20_000);
});

test('the lines of a process that exits at once are stored', async (t) => {
  const daemon = await startDaemon(t);
  const settings = settingsOf(daemon, await temporaryDirectory(t));
  await run(t, 'log.info({ n: 1 }, "the only one"); process.exit(0);', { settings });
  await run(t, 'log.fatal({ n: 2 }, "at its natural end");', { settings });
  const rows = await events(daemon.dataDir, 'event_type = \'log\'');
  assert.deepEqual(rows.map((row) => [row.data.n, row.msg, row.level]), [[1, 'the only one', 'info'], [2, 'at its natural end', 'fatal']]);
});

test('lines of a process without a daemon are kept, and delivered by a later one', async (t) => {
  const daemon = await startDaemon(t);
  const state = await temporaryDirectory(t);
  const gone = { ...settingsOf(daemon, state), PICORTEX_URL: 'http://127.0.0.1:1' };
  const { stderr } = await run(t, 'for (let n = 0; n < 50; ++n) log.warn({ n }, "kept");', { settings: gone });
  assert.match(stderr, /nothing listens on http:\/\/127\.0\.0\.1:1\. Is picortex serve running\?; they are kept in .*picortex\/spool/);
  assert.equal(readdirSync(join(state, 'picortex/spool')).length, 1);
  await run(t, 'log.info({ n: 50 }, "later");', { settings: settingsOf(daemon, state) });
  const rows = await events(daemon.dataDir, 'event_type = \'log\' ORDER BY json_extract(data, \'$.n\')');
  assert.deepEqual(rows.map((row) => row.data.n), Array.from({ length: 51 }, (_, n) => n));
  assert.deepEqual(readdirSync(join(state, 'picortex/spool')), []);
});

test('what a killed process had in the spool is delivered by a later one', async (t) => {
  const daemon = await startDaemon(t);
  const state = await temporaryDirectory(t);
  const spool = join(state, 'picortex/spool');
  const program = startProgram(t, 'for (let n = 0; n < 20; ++n) log.info({ n }, "kept"); setInterval(() => {}, 1000);',
    { settings: { ...settingsOf(daemon, state), PICORTEX_URL: 'http://127.0.0.1:1' } });
  await eventually('the lines are in a file that is not complete', () => existsSync(spool) && readdirSync(spool).some((name) => name.endsWith('.open')));
  program.child.kill('SIGKILL');
  await program.ended;
  await run(t, 'log.info({ n: 20 }, "later");', { settings: settingsOf(daemon, state) });
  const rows = await events(daemon.dataDir, 'event_type = \'log\' ORDER BY json_extract(data, \'$.n\')');
  assert.deepEqual(rows.map((row) => row.data.n), Array.from({ length: 21 }, (_, n) => n));
  assert.deepEqual(readdirSync(spool), []);
});

test('a line that the daemon rejects does not hold up the others, and is kept as an event with the reason', async (t) => {
  const daemon = await startDaemon(t);
  const { stderr } = await run(t, `
    log.info({ n: 0 }, 'good');
    log.info({ event_type: 'x'.repeat(200), n: 1 }, 'its type is too long');
    log.info({ n: 2 }, 'good too');`, { settings: settingsOf(daemon, await temporaryDirectory(t)) });
  const rows = await events(daemon.dataDir);
  assert.deepEqual(rows.filter((row) => row.event_type === 'log').map((row) => row.data.n), [0, 2]);
  const rejected = rows.filter((row) => row.event_type === 'client.rejected');
  assert.equal(rejected.length, 1);
  assert.match(rejected[0].msg, /event_type/);
  assert.match(rejected[0].data.line, /its type is too long/);
  assert.match(stderr, /a line was rejected, and is kept as an event client\.rejected: .*event_type/);
});

test('lines in every shape of pino keep what they say, and two lines about one thing are two events', async (t) => {
  const daemon = await startDaemon(t);
  const settings = settingsOf(daemon, await temporaryDirectory(t));
  await run(t, `
    const order = '01890000-0000-7000-8000-000000000042';
    log.info({ id: order }, 'created');
    log.info({ id: order }, 'paid');
    log.info({ id: 7, order: { id: order } }, 'a number');
    log.info({ big: 'x'.repeat(200_000) }, 'long');
    log.info('newline \\n tab \\t quote " backslash \\\\ \\u2028 \\ud800');`, { settings });
  await run(t, `
    const transport = pino.transport({ target: 'picortex/pino', options: {} });
    const bare = pino({ timestamp: false, base: null, messageKey: 'message', formatters: { log: (o) => o } }, transport);
    bare.info({ n: 1 }, 'no time, no base');
    const iso = pino({ timestamp: pino.stdTimeFunctions.isoTime }, transport);
    iso.info({ n: 2 }, 'ISO time');
    transport.write('not JSON at all\\n');
    log.trace('least');`, { settings });
  const rows = await events(daemon.dataDir);
  const of = (msg) => rows.filter((row) => row.msg === msg);
  assert.deepEqual([...of('created'), ...of('paid')].map((row) => row.data.log_id), Array(2).fill('01890000-0000-7000-8000-000000000042'));
  assert.deepEqual(of('a number')[0].data.log_id, 7);
  assert.equal(of('a number')[0].data.order.id, '01890000-0000-7000-8000-000000000042');
  assert.equal(of('long')[0].data.big.length, 200_000);
  assert.equal(of('newline \n tab \t quote " backslash \\ \u2028 \ufffd').length, 1);
  for (const msg of ['no time, no base', 'ISO time', 'not JSON at all', 'least']) {
    assert.equal(of(msg).length, 1, msg);
    assert.ok(Math.abs(Date.parse(of(msg)[0].time) - Date.now()) < 60_000, msg);
  }
});

test('a line longer than a request may be is cut, and says so', async (t) => {
  const daemon = await startDaemon(t);
  await run(t, 'log.error({ chat_id: "c", big: "x".repeat(2_000_000) }, "too long"); log.info("next");',
    { settings: settingsOf(daemon, await temporaryDirectory(t)) });
  const rows = await events(daemon.dataDir);
  const [cut] = rows.filter((row) => row.msg === 'too long');
  assert.deepEqual([cut.level, cut.chat_id, cut.event_type], ['error', 'c', 'log']);
  assert.ok(cut.data.cut.bytes > 2_000_000);
  assert.equal(cut.data.cut.line.length, 65_536);
  assert.equal(rows.filter((row) => row.msg === 'next').length, 1);
});

test('what does not fit into the spool is counted and reported, on stderr and as an event', async (t) => {
  const dataDir = await temporaryDirectory(t);
  const first = await startDaemon(t, { dataDir });
  const authority = first.authority;
  await first.stop();
  const program = startProgram(t, `
    for (let n = 0; n < 100; ++n) log.info({ n, filler: 'x'.repeat(1000) }, 'line');
    setInterval(() => {}, 1000);`, {
    options: { spoolMaxBytes: 20_000 },
    settings: { PICORTEX_URL: `http://${authority}`, PICORTEX_DATA_DIR: dataDir, XDG_STATE_HOME: await temporaryDirectory(t) },
  });
  await eventually('the loss is reported', () => /events are being lost: .*is full \(spoolMaxBytes\)/.test(program.stderr));
  await startDaemon(t, { dataDir, settings: { PICORTEX_LISTEN: authority } });
  program.child.stdin?.end();
  const [dropped] = await eventually('the loss is an event', async () => {
    // A line after the loss finds the daemon.
    const rows = await events(dataDir, 'event_type = \'client.dropped\'');
    return rows.length > 0 && rows;
  }, 20_000);
  assert.equal(dropped.level, 'error');
  const [{ stored }] = await query(dataDir, 'SELECT count(*) AS stored FROM events WHERE event_type = \'log\'');
  assert.equal(stored + dropped.data.dropped, 100);
});

test('Retry-After is kept to, and a batch is sent again byte for byte', async (t) => {
  const requests = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text) => (body += text)).on('end', () => {
      requests.push({ at: performance.now(), body });
      if (requests.length === 1) response.writeHead(503, { 'retry-after': '1' }).end('{"message":"later"}');
      else response.end(JSON.stringify({ accepted: body.split('\n').length, duplicates: 0, rejected: [] }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUpAfter(t, () => {
    server.closeAllConnections();
    server.close();
  });
  await run(t, 'log.info("one"); log.info("two"); setTimeout(() => {}, 2500);',
    { options: { url: `http://127.0.0.1:${server.address().port}`, token: 'secret', spoolDirectory: await temporaryDirectory(t) } });
  assert.equal(requests.length, 2);
  assert.equal(requests[0].body, requests[1].body);
  assert.ok(requests[1].at - requests[0].at >= 990, `${requests[1].at - requests[0].at} ms`);
  const ids = requests[0].body.split('\n').map((line) => JSON.parse(line).id);
  assert.equal(new Set(ids).size, 2);
  assert.ok(ids[0] < ids[1]);
});

test('a stranger who listens in the daemon\'s place is sent nothing', { skip: process.getuid() === 0 ? false : 'needs root, to be somebody else' }, async (t) => {
  const stranger = spawn('setpriv', ['--reuid=47004', '--regid=47004', '--clear-groups', process.execPath, '-e', `
    const server = require('node:net').createServer((s) => s.on('data', (d) => console.log('SENT', String(d))).on('error', () => {}));
    server.listen(0, '127.0.0.1', () => console.log(server.address().port));`], { stdio: ['ignore', 'pipe', 'inherit'], cwd: '/' });
  cleanUpAfter(t, () => stranger.kill());
  let text = '';
  stranger.stdout.setEncoding('utf8').on('data', (more) => (text += more));
  await eventually('the stranger listens', () => text.includes('\n'));
  const { stderr } = await run(t, 'log.info("a secret");',
    { options: { url: `http://127.0.0.1:${text.trim()}`, token: 'secret', spoolDirectory: await temporaryDirectory(t) } });
  assert.match(stderr, /belongs to user 47004, not to root, this user or the token's owner/);
  assert.doesNotMatch(text, /SENT/);
});

test('a wrong option is an error that names it', async (t) => {
  for (const [options, expected] of [[{ urll: 'x' }, /Unknown option \\?"urll/], [{ url: 'ftp://x' }, /url \\?"ftp:\/\/x\\?" is not allowed/],
    [{ delayMs: -1 }, /delayMs -1 is not allowed\. Give a whole number from 0 to 60000/]]) {
    const { stderr, code } = await startProgram(t, 'log.info("x")', { options }).ended;
    assert.notEqual(code, 0);
    assert.match(stderr, expected);
  }
});
