// The logging handler of clients/python, with the standard library alone: exactly once through restarts, IDs, rejection, loss.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { cleanUpAfter } from './support/cleanup.mjs';
import { repository } from './support/client_package.mjs';
import { environment, eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { events, query } from './support/database.mjs';

async function startPython(owner, source, settings) {
  const file = join(await temporaryDirectory(owner), 'program.py');
  writeFileSync(file, `import logging, os, sys, time
import picortex_logging
log = logging.getLogger("bot")
log.setLevel(logging.DEBUG)
${source}`);
  const env = environment({ PYTHONPATH: join(repository, 'clients/python'), PYTHONDONTWRITEBYTECODE: '1', ...settings });
  const child = spawn('python3', ['-W', 'error', file], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  cleanUpAfter(owner, () => child.kill('SIGKILL'));
  const program = { child, stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => (program[name] += text));
  program.ended = once(child, 'close').then(([code]) => ({ code, stdout: program.stdout, stderr: program.stderr }));
  return program;
}

async function run(owner, source, settings) {
  const end = await (await startPython(owner, source, settings)).ended;
  assert.equal(end.code, 0, end.stderr);
  return end;
}

const ATTACH = 'log.addHandler(picortex_logging.PicortexHandler())\n';

test('records of every kind are events, with the IDs of their context', async (t) => {
  const daemon = await startDaemon(t);
  const settings = { PICORTEX_LISTEN: daemon.authority, PICORTEX_DATA_DIR: daemon.dataDir, XDG_STATE_HOME: await temporaryDirectory(t) };
  const { stdout, stderr } = await run(t, `${ATTACH}
log.debug("at %s", "debug")
log.critical("the end")
with picortex_logging.context(chat_id="chat-1") as request_id:
    log.warning("in a turn", extra={"event_type": "tmux.turn.start", "score": 0.5, "id": "order-7", "nan": float("nan"), "odd": {1, 2}})
    print(request_id, picortex_logging.child_environment({})["PICORTEX_CHAT_ID"])
    with picortex_logging.context(chat_id="chat-2"):
        log.info("a chat within")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("it broke \\x00 \\u2028 \\udc80")
log.info("x" * 200_000)
log.info("rejected", extra={"event_type": "x" * 200})
`, settings);
  const rows = await events(daemon.dataDir, '1 ORDER BY time, id');
  const of = (msg) => rows.find((row) => row.msg.startsWith(msg));
  assert.deepEqual([of('at debug').level, of('the end').level, of('at debug').event_type, of('at debug').data.logger], ['debug', 'fatal', 'log', 'bot']);
  const [requestId, chat] = stdout.trim().split(' ');
  assert.equal(chat, 'chat-1');
  assert.deepEqual([of('in a turn').request_id, of('in a turn').chat_id, of('in a turn').event_type, of('in a turn').data.score, of('in a turn').data.log_id],
    [requestId, 'chat-1', 'tmux.turn.start', 0.5, 'order-7']);
  assert.deepEqual([of('a chat within').request_id, of('a chat within').chat_id], [requestId, 'chat-2']);
  assert.equal(of('it broke').level, 'error');
  assert.match(of('it broke').data.err.stack, /1 \/ 0/);
  assert.equal(of('xxx').data.cut.bytes > 200_000, true);
  assert.match(of('a record was rejected').data.line, /x{200}/);
  assert.match(stderr, /a record was rejected, and is kept as an event client\.rejected: .*event_type/);
});

test('10,000 records through restarts of the daemon are each stored once', async (t) => {
  const dataDir = await temporaryDirectory(t);
  let daemon = await startDaemon(t, { dataDir });
  const listen = daemon.authority;
  const settings = { PICORTEX_LISTEN: listen, PICORTEX_DATA_DIR: dataDir, XDG_STATE_HOME: await temporaryDirectory(t) };
  const program = await startPython(t, `${ATTACH}
for n in range(10_000):
    log.info("line", extra={"n": n})
    if n % 100 == 99:
        time.sleep(0.04)
print("written", flush=True)
`, settings);
  for (let i = 0; i < 5; ++i) {
    daemon.kill(i % 2 ? 'SIGTERM' : 'SIGKILL');
    await daemon.exited;
    daemon = await startDaemon(t, { dataDir, settings: { PICORTEX_LISTEN: listen } });
  }
  await eventually('all is written', () => program.stdout.includes('written'), 30_000);
  const { code, stderr } = await program.ended;
  assert.equal(code, 0, stderr);
  await eventually('all are stored', async () => {
    const [{ total }] = await query(dataDir, 'SELECT count(*) AS total FROM events WHERE event_type = \'log\'');
    if (total >= 10_000) return true;
    await run(t, `${ATTACH}log.warning("another process", extra={"event_type": "other"})\n`, settings);
    return false;
  }, 20_000);
  const [counts] = await query(dataDir, 'SELECT count(*) AS total, count(DISTINCT json_extract(data, \'$.n\')) AS different FROM events WHERE event_type = \'log\'');
  assert.deepEqual(counts, { total: 10_000, different: 10_000 });
});

test('what cannot be delivered is kept for a later process, and what cannot be kept is reported', async (t) => {
  const daemon = await startDaemon(t);
  const state = await temporaryDirectory(t);
  const gone = { PICORTEX_LISTEN: '127.0.0.1:1', PICORTEX_DATA_DIR: daemon.dataDir, XDG_STATE_HOME: state };
  const { stderr } = await run(t, `${ATTACH}log.info("kept")\n`, gone);
  assert.match(stderr, /nothing listens on http:\/\/127\.0\.0\.1:1\. Is picortex serve running\?; they are kept for the next try/);
  assert.equal(readdirSync(join(state, 'picortex/python')).length, 1);
  const full = await run(t, 'log.addHandler(picortex_logging.PicortexHandler(spool_bytes=10))\nlog.info("lost")\n', gone);
  assert.match(full.stderr, /events are being lost: .* is full/);
  await run(t, `${ATTACH}log.info("later")\n`, { ...gone, PICORTEX_LISTEN: daemon.authority });
  const rows = await events(daemon.dataDir, 'event_type = \'log\' ORDER BY time, id');
  assert.deepEqual(rows.map((row) => row.msg), ['kept', 'later']);
  assert.deepEqual(readdirSync(join(state, 'picortex/python')), []);
});

test('a forked child logs by itself, and the parent\'s records are sent once', async (t) => {
  const daemon = await startDaemon(t);
  await run(t, `${ATTACH}
log.info("before")
pid = os.fork()
log.info("child" if pid == 0 else "parent")
if pid:
    os.waitpid(pid, 0)
else:
    logging.shutdown()
    os._exit(0)
`, { PICORTEX_LISTEN: daemon.authority, PICORTEX_DATA_DIR: daemon.dataDir, XDG_STATE_HOME: await temporaryDirectory(t) });
  const rows = await events(daemon.dataDir, 'event_type = \'log\'');
  assert.deepEqual(rows.map((row) => row.msg).sort(), ['before', 'child', 'parent']);
});
