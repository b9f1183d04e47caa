// The real lnav reads the log with deploy/picortex.lnav.json.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { picortex, requests, seed, seededDaemon } from './support/answers.mjs';
import { temporaryDirectory } from './support/daemon.mjs';

const run = promisify(execFile);

test('lnav finds time, level, request and fields in the daemon\'s log and in picortex logs --json', async (context) => {
  const { daemon, close } = await seededDaemon(context, seed);
  close();
  await daemon.stop();
  const home = await temporaryDirectory(context);
  await mkdir(join(home, '.lnav/formats/installed'), { recursive: true });
  await copyFile(new URL('../../deploy/picortex.lnav.json', import.meta.url), join(home, '.lnav/formats/installed/picortex_log.json'));
  const ask = async (text, sql) => {
    const file = join(home, 'some.log');
    await writeFile(file, text);
    const { stdout } = await run('lnav', ['-n', '-c', `;${sql}`, '-c', ':write-json-to -', file], { env: { ...process.env, HOME: home } });
    return JSON.parse(stdout);
  };
  const { stdout } = await picortex(daemon.dataDir, ['logs', '--json', '--request', requests.failed]);
  assert.deepEqual(
    await ask(stdout, 'SELECT log_level AS level, event_type, chat_id, request_id FROM picortex_log'),
    [['info', 'linq.inbound'], ['info', 'discriminator.decision'], ['info', 'tmux.turn.start'], ['warning', 'egress.rejected'],
     ['error', 'bot.error'], ['warning', 'child.exit']].map(([level, event_type]) => ({ level, event_type, chat_id: 'chat-x', request_id: requests.failed })));
  assert.deepEqual(
    await ask(daemon.rawLines.join('\n') + '\n', "SELECT log_level AS level, method, status FROM picortex_log WHERE event_type = 'http.request'"),
    [{ level: 'info', method: 'POST', status: 200 }]);
});
