// Legitimate work through the fence with the programs that people use, against a depot of packages in the world. Restarts
// of the daemon in the middle of it, and another user's work at the same time, change nothing.
import assert from 'node:assert/strict';
import { appendFile, chown, cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testFile } from './support/cleanup.mjs';
import { binary, eventually } from './support/daemon.mjs';
import { World, addresses, fencedUid, needsRoot, otherUid } from './support/namespaces.mjs';

const world = needsRoot ? undefined : await World.create(testFile);
const at = (name) => join(world.directory, name);

if (world) {
  world.host.run('/usr/bin/python3', fileURLToPath(new URL('support/depot.py', import.meta.url)), at('depot'), 'https://depot.test');
  await writeFile(at('depot.conf'), `daemon off; worker_processes 1; error_log stderr; pid ${at('depot.pid')}; user root;
events { worker_connections 4096; }
http {
  access_log off; client_body_temp_path ${at('d-body')}; proxy_temp_path ${at('d-proxy')}; fastcgi_temp_path ${at('d-fcgi')};
  uwsgi_temp_path ${at('d-uwsgi')}; scgi_temp_path ${at('d-scgi')};
  ssl_certificate ${at('tls.pem')}; ssl_certificate_key ${at('tls.key')};
  server {
    listen ${addresses.depot}:443 ssl http2 default_server; listen [${addresses.depot6}]:443 ssl http2 default_server;
    listen ${addresses.depot}:80 default_server; listen [${addresses.depot6}]:80 default_server;
    root ${at('depot')};
    location / { }
    location /npm/ { default_type application/json; }
    location /slow/ { limit_rate 60k; }
    location = /hello { default_type text/plain; return 200 "hello over $server_protocol\\n"; }
  }
}
`);
  world.outside.start(testFile, ['nginx', '-c', at('depot.conf'), '-p', world.directory, '-e', 'stderr']);
  await world.writeList('depot.test\ndepot.test:80\n');
}
let daemon = await world?.startDaemon(testFile);
if (world) await eventually('the depot is reached', () => world.fetchAs(fencedUid, 'https://depot.test/hello').status === 0);

// A directory of the user's own.
async function home(t, uid, name) {
  const path = at(`${name}-${uid}`);
  await mkdir(path);
  await chown(path, uid, uid);
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function works(uid, command, options) {
  const result = await world.runAs(uid, command, { timeoutMs: 60_000, ...options });
  assert.equal(result.status, 0, `${command.join(' ')}\n${result.output}\n${result.errors}`);
  return result.output;
}

const npmProgram = ['env', `NPM_CONFIG_CAFILE=${world && at('ca.pem')}`, 'NPM_CONFIG_REGISTRY=https://depot.test/npm/', 'NPM_CONFIG_AUDIT=false',
                    'NPM_CONFIG_FUND=false', 'NPM_CONFIG_UPDATE_NOTIFIER=false', 'NPM_CONFIG_FETCH_RETRY_MINTIMEOUT=300', 'NPM_CONFIG_FETCH_RETRIES=5'];

async function npmInstall(t, uid, name) {
  const path = await home(t, uid, name);
  await cp(at('depot/application/package.json'), join(path, 'package.json'));
  await works(uid, [...npmProgram, `HOME=${path}`, `NPM_CONFIG_CACHE=${path}/cache`, 'npm', '--prefix', path, 'install']);
  assert.equal(JSON.parse(await readFile(join(path, 'node_modules/part39/package.json'), 'utf8')).version, '1.0.0');
}

async function gitClone(t, uid, name) {
  const path = await home(t, uid, name);
  await works(uid, ['git', 'clone', '-q', 'https://depot.test/slow/repository.git', `${path}/clone`]);
  assert.equal((await readFile(`${path}/clone/file119`)).length, 3000);
}

async function filesBelow(path) {
  return (await readdir(path, { recursive: true }).catch(() => [])).length;
}

// Ends the daemon once the client has some of its files, and starts it again.
async function restartDuring(signal, path, files, work) {
  const working = work();
  working.catch(() => {});
  await eventually('the client has begun', async () => (await filesBelow(path)) >= files, 30_000, 10);
  daemon.kill(signal);
  await daemon.exited;
  await eventually('its ports are free', () => world.host.run('ss', '-Hltn', 'sport', '=', ':8787') === '');
  daemon = await world.startDaemon(testFile, {}, { dataDir: daemon.dataDir });
  await working;
}

describe('clients behind the fence', { skip: needsRoot, concurrency: false }, () => {
  it('curl: both families, HTTP/1.1, HTTP/2 and plain HTTP', async () => {
    for (const family of ['-4', '-6']) {
      assert.equal(await works(fencedUid, ['curl', '-sS', family, '--http1.1', 'https://depot.test/hello']), 'hello over HTTP/1.1\n');
      assert.equal(await works(fencedUid, ['curl', '-sS', family, '--http2', 'https://depot.test/hello']), 'hello over HTTP/2.0\n');
      assert.equal(await works(fencedUid, ['curl', '-sS', family, 'http://depot.test/hello']), 'hello over HTTP/1.1\n');
    }
  });

  it('100 curls at once, as without a fence', async () => {
    for (const uid of [otherUid, fencedUid]) {
      const output = await works(uid, ['sh', '-c', `for i in $(seq 100); do curl -sS --max-time 20 -o /dev/null -w '%{http_code}\\n' https://depot.test/bulk & done; wait`]);
      assert.equal(output, '200\n'.repeat(100));
    }
  });

  it('curl: a hundred streams of one HTTP/2 connection', async () => {
    const output = await works(fencedUid, ['curl', '-sS', '--http2', '--parallel', '--parallel-max', '100', '-w', '%{http_code}\\n', '-o', '/dev/null',
                                           ...Array(100).fill().flatMap((_, i) => (i ? ['--next', '-sS', '--http2', '-o', '/dev/null', '-w', '%{http_code}\\n', 'https://depot.test/hello'] : ['https://depot.test/hello']))]);
    assert.equal(output, '200\n'.repeat(100));
  });

  it('npm installs', (t) => npmInstall(t, fencedUid, 'npm'));

  it('git clones', (t) => gitClone(t, fencedUid, 'git'));

  it('pip installs', async (t) => {
    const path = await home(t, fencedUid, 'pip');
    await works(fencedUid, ['/usr/bin/python3', '-m', 'pip', '--disable-pip-version-check', '--no-cache-dir', 'install', '--cert', at('ca.pem'), '--index-url',
                            'https://depot.test/pip/', '--target', `${path}/lib`, 'depotwheel']);
    assert.match(await readFile(`${path}/lib/depotwheel.py`, 'utf8'), /value = 1/);
  });

  it('apt downloads', async (t) => {
    const path = await home(t, fencedUid, 'apt');
    await writeFile(`${path}/sources.list`, 'deb [trusted=yes] https://depot.test/apt/ ./\n');
    const options = [['Dir::State', path], ['Dir::State::Lists', `${path}/lists`], ['Dir::Cache', `${path}/cache`], ['Dir::Etc::SourceList', `${path}/sources.list`],
                     ['Dir::Etc::SourceParts', '/dev/null'], ['Acquire::https::CAInfo', at('ca.pem')], ['APT::Sandbox::User', '']]
      .flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    const run = (...rest) => works(fencedUid, ['sh', '-c', 'cd "$0" && exec "$@"', path, 'apt-get', '-q', ...options, ...rest]);
    await run('update');
    await run('download', 'depot-package');
    assert.ok((await readFile(`${path}/depot-package_1.0_all.deb`)).length > 0);
  });

  it('node, python, dig and openssl', async () => {
    assert.equal(await works(fencedUid, [process.execPath, '-e', `fetch('https://depot.test/hello').then((answer) => answer.text()).then((text) => process.stdout.write(text))`]),
                 'hello over HTTP/1.1\n');
    assert.equal(await works(fencedUid, ['/usr/bin/python3', '-c', `import urllib.request; print(urllib.request.urlopen('https://depot.test/hello').read().decode(), end='')`]),
                 'hello over HTTP/1.1\n');
    assert.equal(await works(fencedUid, ['dig', '+short', 'depot.test', 'A', 'depot.test', 'AAAA']), `${addresses.depot}\n${addresses.depot6}\n`);
    assert.match(await works(fencedUid, ['openssl', 's_client', '-connect', 'depot.test:443', '-servername', 'depot.test', '-verify_return_error', '-brief']), /^$/);
  });

  it('prints what docs/guides/denied.md says when it is denied, and the reason is where that says', async () => {
    const guide = await readFile(new URL('../../docs/guides/denied.md', import.meta.url), 'utf8');
    const rows = new Map(guide.split('\n').filter((line) => line.startsWith('| `')).map((line) => {
      const [name, ...cells] = line.split('|').slice(1, -1).map((cell) => cell.trim());
      return [name.replaceAll('`', ''), cells.map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text))];
    }));
    // The resolver of the client knows a name at an allowed address that the fence has not answered.
    await appendFile(world.ownFile('/etc/hosts'), `${addresses.depot} inside.test\n`);
    await works(fencedUid, ['curl', '-sS', '-4', 'https://depot.test/hello']);
    const denials = [{ column: 0, host: 'wanted.test' }, { column: 1, host: 'depot.test', port: 8443 }, { column: 2, host: 'inside.test' },
                     { column: 1, host: addresses.sink, only: 'curl' }];
    const clients = {
      curl: (url) => ['curl', '-sS', '--max-time', '20', url],
      git: (url) => ['git', 'ls-remote', `${url}repository.git`],
      npm: (url) => [...npmProgram, 'NPM_CONFIG_FETCH_RETRIES=0', `NPM_CONFIG_CACHE=${at('npm-denied')}`, `NPM_CONFIG_REGISTRY=${url}`, 'npm', 'view', 'part0'],
      node: (url) => [process.execPath, '-e', `fetch('${url}')`],
      python3: (url) => ['/usr/bin/python3', '-c', `import urllib.request; urllib.request.urlopen('${url}')`],
    };
    assert.deepEqual([...rows.keys()], [...Object.keys(clients), 'dig', 'picortex egress why HOST']);
    await mkdir(at('npm-denied'));
    await chown(at('npm-denied'), fencedUid, fencedUid);
    await Promise.all(Object.entries(clients).flatMap(([name, command]) => denials.filter(({ only }) => (only ?? name) === name).map(async ({ column, host, port = 443 }) => {
      const result = await world.runAs(fencedUid, command(`https://${host}${port === 443 ? '' : `:${port}`}/`), { timeoutMs: 60_000 });
      assert.notEqual(result.status, 0, `${name} ${host}`);
      for (const text of rows.get(name)[column]) {
        const expected = text.replace('HOST', host).replace('PORT', port);
        assert.ok((result.output + result.errors).includes(expected), `${name} ${host}: no "${expected}" in ${result.output}${result.errors}`);
      }
    })));
    const [[code]] = rows.get('dig');
    assert.ok((await works(fencedUid, ['dig', 'wanted.test'])).includes(
      `${code}: (no rule of the egress allowlist has wanted.test; the operator can add one: picortex egress allow wanted.test)`));
    for (const { column, host } of denials) {
      const reasons = rows.get('picortex egress why HOST')[column].join('|');
      await eventually(`the reason for ${host} is known`, async () => {
        const why = await world.runAs(fencedUid, ['env', `PICORTEX_DATA_DIR=${daemon.dataDir}`, 'PICORTEX_LISTEN=127.0.0.1:8787', binary, 'egress', 'why', host]);
        return why.status === 0 && new RegExp(`\\((${reasons})\\)`).test(why.output);
      }, 20_000, 200);
    }
  });

  for (const signal of ['SIGTERM', 'SIGKILL']) {
    it(`npm continues when the daemon restarts after ${signal}`, (t) =>
      restartDuring(signal, at(`npm-${signal}-${fencedUid}/cache/_cacache/content-v2`), 12, () => npmInstall(t, fencedUid, `npm-${signal}`)));

    it(`git continues when the daemon restarts after ${signal}`, (t) =>
      restartDuring(signal, at(`git-${signal}-${fencedUid}/clone/.git/objects`), 12, () => gitClone(t, fencedUid, `git-${signal}`)));
  }

  it("leaves another user's 10,000 look-ups and 100 connections alone while the fenced user makes as many", async () => {
    const lookups = `
import socket, struct, sys
answered, wrong, waiting = 0, 0, {}
sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(50)]
name = lambda i: 'n%d.open.test' % i if int(sys.argv[1]) else 'depot.test'
def question(i):
    return struct.pack('>HHHHHH', i & 0xffff, 0x100, 1, 0, 0, 0) + b''.join(bytes([len(l)]) + l.encode() for l in name(i).split('.')) + b'\\0\\0\\1\\0\\1'
for start in range(0, 10000, 50):
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(50)] if start % 500 == 0 else sockets
    for i, s in enumerate(sockets):
        s.settimeout(5); s.sendto(question(start + i), ('${addresses.resolver}', 53))
    for i, s in enumerate(sockets):
        try: reply = s.recv(2000)
        except OSError: wrong += 1; continue
        if reply[3] & 15 == 0 and reply[7] > 0 and struct.unpack('>H', reply[:2])[0] == (start + i) & 0xffff: answered += 1
        else: wrong += 1
print(answered, wrong)`;
    const curls = `for i in $(seq 100); do curl -sS --max-time 20 -o /dev/null -w '%{http_code}\\n' https://depot.test/hello & [ $((i % 10)) -eq 0 ] && wait; done; wait`;
    const [others, own, connections] = await Promise.all([
      works(otherUid, ['/usr/bin/python3', '-c', lookups, '1']), works(fencedUid, ['/usr/bin/python3', '-c', lookups, '0']),
      works(otherUid, ['sh', '-c', curls])]);
    assert.equal(others, '10000 0\n');
    assert.equal(own, '10000 0\n');
    assert.equal(connections, '200\n'.repeat(100));
  });
});
