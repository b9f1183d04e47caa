// picortex doctor and serve --check: set-ups that are broken in one way each. Doctor names what is wrong and the command that fixes
// it; the command is run as it is printed, and the finding is gone. doctor_fence.test.mjs has those of the fence.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { beforeEach } from 'node:test';
import { BrokenHost } from './support/broken_host.mjs';
import { cleanUpAfter, testFile } from './support/cleanup.mjs';
import { binary, eventually } from './support/daemon.mjs';
import { needsRoot, otherUid } from './support/namespaces.mjs';

const only = { skip: needsRoot };
const host = needsRoot ? undefined : await BrokenHost.create(testFile);
const inData = (name) => join(host.dataDir, name);

beforeEach(() => host?.setUp());

test('nothing is wrong with a daemon that runs as it should', only, async (t) => {
  await host.startDaemon(t);
  const { code, status, findings } = await host.doctor();
  const wrong = findings.filter(({ severity, check }) => ['warning', 'problem'].includes(severity) && !check.startsWith('clock.'));
  assert.deepEqual(wrong, []);
  for (const { check, fix } of findings) assert.match(check, /^[a-z_]+\.[a-z_]+$/, fix);
  assert.deepEqual([code, status], findings.some(({ severity }) => severity === 'warning') ? [1, 'warning'] : [0, 'ok']);
  const text = await host.run([binary, 'doctor']);
  assert.match(text.stdout, /^ok {7}config\.file {6,}\S*picortex\.conf sets 5 options, all valid$/m);
  assert.match(text.stdout, /^\d+ checks: 0 problems, \d warnings?(, \d+ skipped)?$/m);
});

// --- Configuration ---

test('a misspelt option', only, async () => {
  await host.addLine('PICORTEX_RETENTOIN_DAYS=30');
  await host.findsAndFixes('config.line', /picortex\.conf:6: "PICORTEX_RETENTOIN_DAYS" is not the name of an option/, /^sed -i '6s\/\^PICORTEX_RETENTOIN_DAYS=\/PICORTEX_RETENTION_DAYS=\/' /);
  assert.match(await host.readConfig(), /^PICORTEX_RETENTION_DAYS=30$/m);
});

test('every wrong line is named, not only the first', only, async () => {
  await host.configure('LOG_LEVEL=loud', 'nonsense', 'PICORTEX_RETENTION_DAYS=soon', 'PICORTEX_DATA_DIR=/elsewhere');
  await host.findsAndFixes('config.line', /:7: "nonsense" is not a NAME=value line/, /^sed -i '7s\/\^\/# \/'/);
  await host.findsAndFixes('config.line', /:9: PICORTEX_DATA_DIR is set in line 1 already/, /^sed -i '9s/);
  await host.findsAndFixes('config.value', /--log-level \(\S+:6\): "loud" is not allowed: give trace, debug/, /^sed -i '6s/);
  await host.findsAndFixes('config.value', /--retention-days \(\S+:8\): "soon" is not allowed/, /^sed -i '8s/);
  const { code, stdout } = await host.run([binary, 'serve', '--check']);
  assert.equal(code, 0, stdout);
});

test('a wrong variable of the environment', only, async () => {
  const settings = { PICORTEX_DURABILITY: 'maybe' };
  const { fix } = await host.finds('config.value', /environment variable PICORTEX_DURABILITY.*"maybe"/, { settings });
  assert.equal(fix, 'unset PICORTEX_DURABILITY');
  assert.deepEqual(await host.wrong('config.value'), []);
});

test('a wrong flag is wrong usage', only, async () => {
  const { code, stdout, stderr } = await host.run([binary, 'doctor', '--listen', 'nowhere']);
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(stderr, /^picortex: --listen \(flag\): "nowhere" is not allowed/);
});

test('a config file that is named and not there', only, async () => {
  const settings = { PICORTEX_CONFIG: join(host.directory, 'missing', 'picortex.conf') };
  await host.findsAndFixes('config.file', /cannot read .*missing\/picortex\.conf.*No such file/, /^install -D -m 640 /, { settings });
});

test('a secret in a file that everybody may read', only, async () => {
  await host.addLine('PICORTEX_LINQ_SECRET=whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=');
  await chmod(host.config, 0o644);
  await host.findsAndFixes('config.mode', /holds PICORTEX_LINQ_SECRET, and every user may read it/, /^chmod o= /);
});

test('a config file that the daemon\'s user may not read', only, async () => {
  await chmod(host.config, 0o600);
  await chown(host.dataDir, otherUid, otherUid);
  await host.findsAndFixes('config.readable', /the daemon's user 47002 may not read/, /^chgrp 47002 .* && chmod g\+r /);
});

test('an alert command that cannot be run, or is not there', only, async () => {
  const command = join(host.directory, 'alert');
  await host.addLine(`PICORTEX_ALERT_COMMAND=${command}`);
  await writeFile(command, '#!/bin/sh\n', { mode: 0o644 });
  await host.findsAndFixes('config.alert_command', /the daemon's user root may not run/, /^chmod a\+x /);
  await rm(command);
  await host.findsAndFixes('config.alert_command', /does not exist: no alert is sent/, /^sed -i /);
});

// --- The data directory ---

test('a data directory that everybody may write to', only, async () => {
  await chmod(host.dataDir, 0o777);
  await host.findsAndFixes('data_dir.mode', /has mode 0777: other users may replace the token/, /^chmod 700 /);
});

test('a data directory that is not there', only, async () => {
  await rm(host.dataDir, { recursive: true });
  await host.findsAndFixes('data_dir.exists', /there is no data directory/, /^install -d -m 700 /);
});

test('a token that other users may read', only, async () => {
  await chmod(inData('token'), 0o644);
  await host.findsAndFixes('token.mode', /has mode 0644: the daemon does not start with it/, /^chmod 600 /);
});

test('a token that is not the daemon\'s', only, async () => {
  await chown(inData('token'), otherUid, otherUid);
  await host.findsAndFixes('token.owner', /token belongs to 47002, and the directory to root/, /^chown 0:0 /);
});

test('files that root has left in the daemon\'s directory', only, async (t) => {
  const daemon = await host.startDaemon(t);
  await daemon.stop();
  await chown(host.dataDir, otherUid, otherUid);
  await host.shell(`chown ${otherUid} ${inData('token')}; chmod a+r ${host.config}`);
  await host.findsAndFixes('data_dir.owner', /these do not belong to the daemon's user 47002: .*picortex\.db/, /^chown -R 47002:47002 /);
  assert.equal((await stat(inData('picortex.db'))).uid, otherUid);
});

test('tokens of which one is damaged', only, async () => {
  await writeFile(inData('tokens'), 'not a token\n', { mode: 0o600 });
  await host.findsAndFixes('tokens.content', /tokens/, /^mv /);
});

test('a database of an older picortex', only, async (t) => {
  const daemon = await host.startDaemon(t);
  await daemon.stop();
  execFileSync('sqlite3', [inData('picortex.db'), `ALTER TABLE event DROP COLUMN compressed; DROP TABLE dictionary; ALTER TABLE event DROP COLUMN arrival; DROP TABLE arrival; DROP TABLE rollup;
    DROP TABLE text_block; PRAGMA user_version = 5;`]);
  const found = await host.finds('database.schema', /has schema 5, and this picortex needs \d+/);
  assert.match(found.fix, /^picortex serve --data-dir /);
  const upgrading = host.start(t, ['bash', '-c', `exec ${found.fix}`]);
  await eventually('the daemon answers', async () => (await host.run([binary, 'health'])).stdout !== '');
  await upgrading.stop();
  assert.deepEqual(await host.wrong('database.schema'), []);
});

// --- The daemon and its clients ---

test('no daemon', only, async (t) => {
  const found = await host.finds('daemon.reachable', /nothing listens on 127\.0\.0\.1:8787/);
  assert.match(found.fix, /^picortex serve --config \S+ &$/);
  const child = host.start(t, ['bash', '-c', `${found.fix} trap 'kill $!' TERM; wait`]);
  await eventually('it is found', async () => (await host.wrong('daemon.reachable')).length === 0);
  await child.stop();
});

test('another user\'s program on the daemon\'s port', only, async (t) => {
  const impostor = `import http.server
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"status":"ok","version":"9","commit":"9"}'
        self.send_response(200); self.send_header('Content-Length', str(len(body))); self.end_headers(); self.wfile.write(body)
http.server.HTTPServer(('127.0.0.1', 8787), Health).serve_forever()`;
  host.start(t, ['setpriv', `--reuid=${otherUid}`, `--regid=${otherUid}`, '--clear-groups', '/usr/bin/python3', '-c', impostor]);
  await eventually('it answers', async () => (await host.run([binary, 'health'])).stderr !== '' && (await host.wrong('daemon.reachable')).length === 0);
  const { fix } = await host.finds('daemon.owner', /belongs to 47002, not to root or root: it is another program/);
  assert.match(fix, /^fuser -k 8787\/tcp && picortex serve --config \S+ &$/);
  const child = host.start(t, ['bash', '-c', `${fix} trap 'kill %1; fuser -k 8787/tcp' TERM; wait`]);
  await eventually('the daemon is there', async () =>
    (await host.wrong('daemon.owner')).length === 0 && (await host.wrong('daemon.reachable')).length === 0);
  await child.stop();
});

test('a degraded daemon says why, and how it is fixed', only, async (t) => {
  const socket = join(host.directory, 'tmux-degraded');
  await host.shell(`sed -i 's|^PICORTEX_TMUX_SOCKET=.*|PICORTEX_TMUX_SOCKET=${socket}|' ${host.config}`);
  await host.startDaemon(t);
  cleanUpAfter(t, () => host.run(['tmux', '-S', socket, 'kill-server']));
  const waiting = () => host.wrong('daemon.tmux');
  await eventually('the probe has an answer', async () => /no server running|No such file/.test((await waiting())[0]?.what));
  const [{ fix }] = await waiting();
  assert.equal(fix, `tmux -S ${socket} new-session -d`);
  const health = await host.run([binary, 'health']);
  assert.equal(health.code, 1);
  assert.match(health.stdout, /^ {2}tmux {18}not answering$/m);
  assert.match(health.stdout, /^ {2}tmux: .*(no server running|No such file).*\n {4}fix: tmux -S \S+ new-session -d$/m);
  await host.shell(fix);
  await eventually('the daemon sees it', async () => (await waiting()).length === 0, 15_000, 500);
  assert.equal((await host.run([binary, 'health'])).code, 0);
});

test('a daemon with an older mode of the fence', only, async (t) => {
  await host.startDaemon(t);
  await host.addLine('PICORTEX_EGRESS_MODE=learn');
  const { fix } = await host.finds('daemon.egress_mode', /runs with the egress mode "off", and the configuration says learn/);
  assert.match(fix, /^picortex serve/);
});

test('a client that may not read the token', only, async () => {
  const words = ['--client-user', String(otherUid)];
  const found = await host.finds('client.token', /47002 may not enter \S+data, and so sends no events/, { words });
  assert.match(found.fix, /^install -D -m 600 -o 47002 .* && picortex token create 47002 --scope write .* && export PICORTEX_TOKEN_FILE=/);
  await host.shell(found.fix);
  const file = /PICORTEX_TOKEN_FILE=(\S+)$/.exec(found.fix)[1];
  const settings = { PICORTEX_TOKEN_FILE: file };
  assert.deepEqual(await host.wrong('client.token', settings, words), []);
  await host.shell(`chown root ${file}`);
  await host.findsAndFixes('client.token', /47002 may not read \/etc\/picortex\/47002\.token/, /^chown 47002 /, { settings, words });
});

test('hooks of Claude Code that go to another address', only, async () => {
  await host.shell('mkdir -p /etc/claude-code && picortex claude install --listen 127.0.0.1:9999');
  await host.findsAndFixes('telemetry.hooks', /managed-settings\.json go to 127\.0\.0\.1:9999, where the daemon does not listen/, /^picortex claude install --listen 127\.0\.0\.1:8787$/);
  await host.shell('picortex claude remove');
});

// --- tmux ---

test('no tmux server, one whose socket is closed to the daemon, and one that does not let it in', only, async (t) => {
  const folder = join(host.directory, 'tmux');
  const socket = join(folder, 'socket');
  await mkdir(folder, { mode: 0o755 });
  await host.shell('useradd picortex-daemon');
  await host.shell(`chown picortex-daemon ${host.dataDir} ${host.dataDir}/token; chmod a+r ${host.config}`);
  await host.shell(`sed -i 's|^PICORTEX_TMUX_SOCKET=.*|PICORTEX_TMUX_SOCKET=${socket}|' ${host.config}`);
  cleanUpAfter(t, () => host.run(['tmux', '-S', socket, 'kill-server']));
  await host.findsAndFixes('tmux.server', /tmux does not answer at \S+tmux\/socket: ".*"; if this host has no tmux, set PICORTEX_TMUX_SOCKET=none/, /^tmux -S \S+ new-session -d$/);
  await chmod(socket, 0o600);
  await host.findsAndFixes('tmux.access', /the daemon's user picortex-daemon may not write to \S+socket/, /^chmod a\+rw /);
  await host.findsAndFixes('tmux.access', /tmux does not let the daemon's user picortex-daemon in/, /server-access -a picortex-daemon$/);
});

// --- The host ---

test('io_uring is switched off', only, async () => {
  await host.shell('echo 2 > /proc/sys/kernel/io_uring_disabled');
  await host.findsAndFixes('kernel.io_uring', /io_uring_disabled is 2, .* it does not start/, /&& sysctl -p /);
});

test('a disk that is nearly full', only, async () => {
  await host.shell(`mount -t tmpfs -o size=16M,mode=700 tmpfs ${host.dataDir}`);
  await host.shell(`head -c 16000000 /dev/zero > ${host.dataDir}/large`);
  const { fix } = await host.finds('disk.free', /0 MiB are free at \S+data, less than --min-free-bytes \(1 MiB\): new events are rejected/);
  assert.match(await host.shell(fix), /large|\d+M/);
  await rm(inData('large')).catch(() => {});
  await host.shell(`rm -f ${host.dataDir}/large`);
  assert.deepEqual(await host.wrong('disk.free'), []);
  const kind = await host.finds('disk.kind', /is in memory: its events end with the next reboot/);
  assert.match(kind.fix, /PICORTEX_DATA_DIR=\/var\/lib\/picortex/);
  await host.shell(`umount ${host.dataDir}`);
  assert.deepEqual(await host.wrong('disk.kind'), []);
});

test('events are kept for ever', only, async () => {
  await host.addLine('PICORTEX_RETENTION_DAYS=0');
  await host.findsAndFixes('disk.retention', /kept for ever \(--retention-days 0, --max-db-bytes 0\)/, /PICORTEX_MAX_DB_BYTES=10G/);
});

test('journald cuts long lines, and drops some of many', only, async () => {
  await host.shell(`mkdir -p /etc/systemd/journald.conf.d && printf '[Journal]\\nLineMax=2K\\n' > /etc/systemd/journald.conf
    printf '[Journal]\\nRateLimitIntervalSec=30s\\nRateLimitBurst=200\\n' > /etc/systemd/journald.conf.d/50-small.conf`);
  await host.findsAndFixes('journald.line', /LineMax=2K: it cuts the daemon's lines/, /LineMax=48K/);
  await host.findsAndFixes('journald.rate', /keeps 200 lines in 30 s of one service/, /RateLimitIntervalSec=0/);
  await host.shell('rm -rf /etc/systemd/journald.conf /etc/systemd/journald.conf.d');
});

test('a clock that no time service keeps, and one that was set back', only, async (t) => {
  const library = join(host.directory, 'clock.so');
  const source = join(host.directory, 'clock.c');
  await writeFile(source, `#include <stdlib.h>
#include <sys/timex.h>
int adjtimex(struct timex* state) {
  const int is_right = atoi(getenv("CLOCK_IS_RIGHT"));
  state->status = is_right ? 0 : STA_UNSYNC;
  return is_right ? TIME_OK : TIME_ERROR;
}
`);
  execFileSync('cc', ['-shared', '-fPIC', '-o', library, source]);
  // A sanitizer wants to be the first library.
  const settings = { LD_PRELOAD: library, CLOCK_IS_RIGHT: '0', ASAN_OPTIONS: 'verify_asan_link_order=0' };
  const { fix } = await host.finds('clock.synchronised', /no time service keeps the clock right: it says 20/, { settings });
  assert.match(fix, /^apt install -y chrony/);
  assert.deepEqual(await host.wrong('clock.synchronised', { ...settings, CLOCK_IS_RIGHT: '1' }), []);
  const daemon = await host.startDaemon(t);
  await host.shell(`picortex emit clock.test`);
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
  await host.shell(`printf '{"event_type":"clock.test","time":"${inAnHour}"}\\n' | picortex emit`);
  await daemon.stop();
  const jump = await host.finds('clock.jump', /the newest event is of \S+, and the clock says \S+: it was set back, or a sender's clock is ahead/);
  assert.match(await host.shell(jump.fix), /clock\.test/);
});

test('to an ordinary user it says what only root can see', only, async () => {
  await host.shell(`chmod 644 ${host.config}`);
  const { stdout } = await host.run(['setpriv', `--reuid=${otherUid}`, `--regid=${otherUid}`, '--clear-groups', binary, 'doctor', '--json']);
  const skipped = JSON.parse(stdout).findings.filter(({ severity }) => severity === 'skipped');
  assert.ok(skipped.some(({ check, what }) => check === 'config.readable' && /only root can see whether the daemon's user root/.test(what)), stdout);
  assert.ok(skipped.some(({ check, what }) => check === 'data_dir.files' && /run it as root or root/.test(what)), stdout);
});
