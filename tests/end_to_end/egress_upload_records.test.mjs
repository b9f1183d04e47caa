// What the fence does when the file system of its files does not answer, or is full: an upload to a host with a budget waits for
// the record of its bytes, then is denied by name; the loop is never held, and after SIGKILL nothing has left that is not counted.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cleanUpAfter, testFile } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { eventually } from './support/daemon.mjs';
import { World, addresses, fencedUid, needsRoot } from './support/namespaces.mjs';
import { freezableDisk, smallDisk } from './support/small_disk.mjs';

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

// A world, a daemon whose data are on `dataDir`, and an upload that goes on.
async function startUploading(t, dataDir) {
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
  const upload = () => {
    const child = world.startAs(t, fencedUid, ['/usr/bin/python3', '-uc', client]);
    return once(createInterface({ input: child.stdout }), 'line');
  };
  const passes = () => eventually('an upload passes', async () => {
    const before = await received();
    upload().catch(() => {});
    return eventually('more arrives', async () => (await received()) > before, 2_000).catch(() => false);
  }, 30_000);
  const daemon = await world.startDaemon(t, {}, { dataDir });
  const api = new Client(daemon.api, '127.0.0.1:8787');
  t.after(() => api.close());
  const ended = upload();
  await eventually('it sends', async () => (await received()) > 100_000, 20_000);

  // SIGKILL, and a daemon after it: all that has left is counted.
  async function assertAllCounted() {
    daemon.kill('SIGKILL');
    await daemon.exited;
    const left = await received();
    const again = await world.startDaemon(t, {}, { dataDir });
    const second = new Client(again.api, '127.0.0.1:8787');
    t.after(() => second.close());
    const { used } = (await second.get('/api/egress')).json.rules.find((one) => one.rule.startsWith(`${addresses.sink}:9000`)).upload;
    assert.ok(used >= left && used < budget, `${used} counted of ${left}`);
  }
  // What is asked for meanwhile is answered, whatever the answer is, until the upload is denied by name.
  async function assertDeniedByName(answers) {
    const began = performance.now();
    let denied;
    daemon.line((line) => line.event_type === 'egress.rejected' && line.reason === 'upload_not_recorded').then((line) => { denied = line; });
    while (!denied) {
      assert.ok(answers.includes((await api.get('/health')).status));
      assert.ok(performance.now() - began < 60_000, 'it was not denied');
      await sleep(20);   // between two questions
    }
    const tookMs = performance.now() - began;
    assert.equal(denied.host, addresses.sink);
    assert.equal((await ended)[0], 'ended');
    assert.equal(world.fetchAs(fencedUid, 'https://allowed.test/').status, 0, 'a host without a budget');
    return tookMs;
  }
  return { world, daemon, api, received, passes, assertAllCounted, assertDeniedByName };
}

describe('an upload with a budget', { skip: needsRoot }, () => {
  it('on a frozen file system is denied by name, and holds nothing', async (t) => {
    const disk = await freezableDisk(t);
    const { daemon, api, passes, assertDeniedByName, assertAllCounted } = await startUploading(t, disk.dataDir);
    cleanUpAfter(t, disk.thaw);
    disk.freeze();
    const frozenMs = await assertDeniedByName([200]);
    const failed = await daemon.line((line) => line.event_type === 'egress.uploads_not_kept');
    assert.match(failed.msg, /the file system does not answer/);
    assert.ok((await api.get('/api/status')).json.loop.longest_iteration_ms < frozenMs / 2);
    disk.thaw();
    await passes();
    await assertAllCounted();
  });

  it('on a full disk is denied by name, and passes again once there is room', async (t) => {
    const dataDir = await smallDisk(t, 'size=12m');
    const { world, daemon, api, received, passes, assertDeniedByName, assertAllCounted } = await startUploading(t, dataDir);
    const filler = join(dataDir, 'filler');
    execFileSync('sh', ['-c', 'dd if=/dev/zero of="$1" bs=4k 2>/dev/null; true', 'sh', filler]);
    // The store, too, can write nothing, and says so.
    await assertDeniedByName([200, 503]);
    const failed = await daemon.line((line) => line.event_type === 'egress.uploads_not_kept');
    assert.match(failed.msg, /No space left on device/);
    // For as long as it is full: a new connection sends nothing.
    const heldBack = await received();
    const { status } = await world.runAs(fencedUid, ['/usr/bin/python3', '-c', client]);
    assert.equal(status, 0, 'it is ended');
    assert.equal(await received(), heldBack);
    await unlink(filler);
    await passes();
    await eventually('the store has recovered', async () => (await api.get('/health')).status === 200, 30_000);
    await assertAllCounted();
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
