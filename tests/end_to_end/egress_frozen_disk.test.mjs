// What the fence does when the file system of its files does not answer: an upload to a host with a budget waits for the record
// of its bytes, then is denied by name; the loop is never held, and after SIGKILL nothing has left that is not counted.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cleanUpAfter, testFile } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { eventually } from './support/daemon.mjs';
import { World, addresses, fencedUid, needsRoot } from './support/namespaces.mjs';
import { freezableDisk } from './support/small_disk.mjs';

const budget = 64 << 20;

// Prints how much it has received in all, whenever it is asked by a line on stdin.
const server = `
import socket, sys, threading
counts = []
def serve(c, at):
    try:
        while (part := c.recv(65536)): counts[at] += len(part)
    except OSError: pass
def accept(l):
    while True:
        c = l.accept()[0]; counts.append(0)
        threading.Thread(target=serve, args=(c, len(counts) - 1), daemon=True).start()
threading.Thread(target=accept, args=(socket.create_server((sys.argv[1], 9000)),), daemon=True).start()
print(0, flush=True)
for _ in sys.stdin: print(sum(counts), flush=True)`;

// Sends until it is ended.
const client = `
import socket, time
c = socket.create_connection(('${addresses.sink}', 9000), timeout=60)
try:
    while True: c.sendall(b'u' * 4096); time.sleep(0.01)
except ConnectionError: print('ended', flush=True)`;

describe('an upload with a budget', { skip: needsRoot }, () => {
  it('on a frozen file system is denied by name, and holds nothing', async (t) => {
    const disk = await freezableDisk(t);
    const world = await World.create(t);   // after the disk: it sees what is mounted by now
    await world.writeList(`${addresses.sink}:9000 upload=64M/1h\nallowed.test\n`);
    const sink = world.outside.start(t, ['/usr/bin/python3', '-uc', server, addresses.sink], ['pipe', 'pipe', 'inherit']);
    const counts = createInterface({ input: sink.stdout });
    await once(counts, 'line');
    const received = async () => {
      const answer = once(counts, 'line');
      sink.stdin.write('\n');
      return Number((await answer)[0]);
    };
    const daemon = await world.startDaemon(t, {}, { dataDir: disk.dataDir });
    cleanUpAfter(t, disk.thaw);
    const api = new Client(daemon.api, '127.0.0.1:8787');
    t.after(() => api.close());
    const upload = () => {
      const child = world.startAs(t, fencedUid, ['/usr/bin/python3', '-uc', client]);
      return once(createInterface({ input: child.stdout }), 'line');
    };
    const ended = upload();
    await eventually('it sends', async () => (await received()) > 100_000, 20_000);

    disk.freeze();
    const frozenAt = performance.now();
    const denial = daemon.line((line) => line.event_type === 'egress.rejected' && line.reason === 'upload_not_recorded');
    let denied = false;
    denial.then(() => { denied = true; });
    while (!denied) {
      assert.equal((await api.get('/health')).status, 200);
      assert.ok(performance.now() - frozenAt < 60_000, 'it was not denied');
      await sleep(20);   // between two questions
    }
    const frozenMs = performance.now() - frozenAt;
    assert.equal(world.fetchAs(fencedUid, 'https://allowed.test/').status, 0, 'a host without a budget');
    assert.equal((await denial).host, addresses.sink);
    assert.equal((await ended)[0], 'ended');
    const failed = await daemon.line((line) => line.event_type === 'egress.uploads_not_kept');
    assert.match(failed.msg, /the file system does not answer/);
    assert.ok((await api.get('/api/status')).json.loop.longest_iteration_ms < frozenMs / 2);
    const heldBack = await received();

    disk.thaw();
    // The log answers again: uploads pass.
    await eventually('an upload passes', async () => {
      upload().catch(() => {});
      return eventually('more arrives', async () => (await received()) > heldBack, 2_000).catch(() => false);
    }, 30_000);
    daemon.kill('SIGKILL');
    await daemon.exited;
    const left = await received();
    const again = await world.startDaemon(t, {}, { dataDir: disk.dataDir });
    const second = new Client(again.api, '127.0.0.1:8787');
    t.after(() => second.close());
    const { used } = (await second.get('/api/egress')).json.rules.find((one) => one.rule.startsWith(`${addresses.sink}:9000`)).upload;
    assert.ok(used >= left && used < budget, `${used} counted of ${left}`);
  });

  it('whose record is damaged is reported at the start', async () => {
    const world = await World.create(testFile);
    await world.writeList(`${addresses.sink}:9000 upload=64M/1h\n`);
    const daemon = await world.startDaemon(testFile);
    const files = ['a', 'b'].map((name) => join(daemon.dataDir, `egress-uploads.${name}`));
    assert.equal((await daemon.stop()).code, 0);
    assert.ok(!daemon.lines.some((line) => line.event_type === 'egress.uploads_restored'));
    const newer = (await Promise.all(files.map((file) => readFile(file, 'utf8')))).findIndex((text) => text.length > 0);
    const text = await readFile(files[newer], 'utf8');
    await writeFile(files[newer], text.replace(' copied ', ' copies '));
    const again = await world.startDaemon(testFile, {}, { dataDir: daemon.dataDir });
    const line = await again.line((one) => one.event_type === 'egress.uploads_restored');
    assert.deepEqual([line.level, line.records, line.damaged], ['warn', 0, 1]);
  });
});
