// Two network namespaces for tests of the fence: the host, on which the daemon and the fenced user live, and the world
// at the end of a virtual cable, with a resolver, a TLS server and sinks that record whatever reaches them; a third one, a router
// between the two, where it is asked for. Needs root. All of it lives in processes of this test: when they end, so do
// the namespaces, the cables, the mounts and the rules.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile, readFile, chmod, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { cleanUpAfter } from './cleanup.mjs';
import { eventually, startDaemon, temporaryDirectory } from './daemon.mjs';

export const needsRoot = process.getuid() === 0 ? false : 'needs root, to make network namespaces';

export const fencedUid = 47001;
export const otherUid = 47002;
export const subUid = 470123;

// Documentation and benchmark ranges count as reserved addresses, so the world has ordinary ones.
export const addresses = {
  host: '93.184.0.2', host6: '2606:2800:0:1::2',
  resolver: '93.184.0.1', resolver6: '2606:2800:0:1::1',
  router: '93.184.0.3', router6: '2606:2800:0:1::3',
  shared: '93.184.216.34', shared6: '2606:2800:220:1::34',   // allowed.test and forbidden.test
  other: '93.184.216.35', other6: '2606:2800:220:1::35',     // github.com, pypi.org
  depot: '93.184.216.36', depot6: '2606:2800:220:1::36',     // depot.test: packages, for tests that serve them
  sink: '93.184.216.99', sink6: '2606:2800:220:1::99',       // of no name
};

// What dnsmasq answers: name → [IPv4, IPv6].
const records = {
  'allowed.test': [addresses.shared, addresses.shared6],
  'forbidden.test': [addresses.shared, addresses.shared6],
  'removable.test': [addresses.other, addresses.other6],
  'github.com': [addresses.other, addresses.other6],
  'pypi.org': [addresses.other, addresses.other6],
  'notgithub.com': [addresses.other, addresses.other6],
  'github.com.evil.test': [addresses.other, addresses.other6],
  'depot.test': [addresses.depot, addresses.depot6],
  'sink.test': [addresses.sink, addresses.sink6],
  'rebind.test': ['127.0.0.1', '::1'],
  'rebind-metadata.test': ['169.254.169.254', 'fd00:ec2::254'],
  'rebind-private.test': ['10.1.2.3', 'fd12::1'],
  'hidden.test': [addresses.sink, addresses.sink6],
};
export const tlsNames = ['allowed.test', 'forbidden.test', 'removable.test', 'github.com', 'pypi.org', 'notgithub.com',
                         'github.com.evil.test', 'alias.test', '*.wild.test', 'depot.test'];

const sinkProgram = fileURLToPath(new URL('./sink.mjs', import.meta.url));

function run(command, options = {}) {
  return execFileSync(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000, ...options })
    .toString();
}

// A process that holds a network and a mount namespace open.
export class Namespace {
  static async open(owner) {
    const child = spawn('unshare', ['--net', '--mount', '--propagation', 'private', 'sh', '-c', 'echo ready; exec sleep 3600'],
                        { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    cleanUpAfter(owner, async () => {
      child.kill('SIGKILL');
      await exited;
    });
    await once(child.stdout, 'data');
    const namespace = new Namespace();
    namespace.pid = child.pid;
    namespace.run('ip', 'link', 'set', 'lo', 'up');
    return namespace;
  }

  get prefix() {
    return ['nsenter', '--target', String(this.pid), '--net', '--mount', '--'];
  }

  run(...command) {
    return run([...this.prefix, ...command]);
  }

  // Starts a program that lasts until the test ends.
  start(owner, command, stdio = ['ignore', 'pipe', 'pipe']) {
    const child = spawn(this.prefix[0], [...this.prefix.slice(1), ...command], { stdio });
    const exited = once(child, 'exit');
    child.errors = '';
    child.stderr?.setEncoding('utf8').on('data', (text) => (child.errors += text));
    cleanUpAfter(owner, async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 3000);
      await exited;
      clearTimeout(timer);
    });
    return child;
  }
}

export class World {
  // `routed`: the world is reached by `world.router`, which knows the host as its device pcx-w. `serverPrefix` stands before
  // nginx's command.
  static async create(owner, { routed = false, serverPrefix = [] } = {}) {
    const world = new World();
    world.directory = await temporaryDirectory(owner);
    await chmod(world.directory, 0o755);
    if (process.env.PICORTEX_TEST_IPTABLES === 'legacy') process.env.PATH = await world.legacyPath();
    world.host = await Namespace.open(owner);
    world.outside = await Namespace.open(owner);
    if (routed) world.router = await Namespace.open(owner);
    world.#connect();
    await world.#isolateFiles();
    await world.#makeCertificates();
    await world.#startServers(owner, serverPrefix);
    return world;
  }

  // A PATH in which iptables is the older one. With PICORTEX_TEST_IPTABLES=legacy this process and all that it starts has it.
  async legacyPath() {
    const directory = join(this.directory, 'legacy');
    await mkdir(directory);
    for (const name of ['iptables', 'ip6tables']) {
      for (const rest of ['', '-save', '-restore']) await symlink(`/usr/sbin/${name}-legacy${rest}`, join(directory, name + rest));
    }
    return `${directory}:${process.env.PATH}`;
  }

  #connect() {
    const { host, outside, router } = this;
    const cable = (one, from, other, to) =>
      run(['ip', 'link', 'add', from, 'netns', String(one.pid), 'type', 'veth', 'peer', 'name', to, 'netns', String(other.pid)]);
    cable(host, 'pcx-h', router ?? outside, 'pcx-w');
    const up = (namespace, device, ...cidrs) => {
      for (const cidr of cidrs) {
        const nodad = cidr.includes(':') ? ['nodad'] : [];
        namespace.run('ip', 'address', 'add', cidr, 'dev', device, ...nodad);
      }
      namespace.run('ip', 'link', 'set', device, 'up');
    };
    const a = addresses;
    up(host, 'pcx-h', `${a.host}/24`, `${a.host6}/64`);
    if (router) {
      cable(router, 'pcx-o', outside, 'pcx-i');
      up(router, 'pcx-w', `${a.router}/24`, `${a.router6}/64`);
      up(router, 'pcx-o', '93.185.0.1/24', '2606:2800:0:2::1/64');
      up(outside, 'pcx-i', '93.185.0.9/24', '2606:2800:0:2::9/64');
      up(outside, 'lo', `${a.resolver}/32`, `${a.resolver6}/128`);
      router.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding');
      router.run('ip', 'route', 'add', `${a.resolver}/32`, 'via', '93.185.0.9');
      router.run('ip', '-6', 'route', 'add', `${a.resolver6}/128`, 'via', '2606:2800:0:2::9');
      router.run('ip', 'route', 'add', 'default', 'via', '93.185.0.9');
      router.run('ip', '-6', 'route', 'add', 'default', 'via', '2606:2800:0:2::9');
      outside.run('ip', 'route', 'add', 'default', 'via', '93.185.0.1');
      outside.run('ip', '-6', 'route', 'add', 'default', 'via', '2606:2800:0:2::1');
    } else {
      up(outside, 'pcx-w', `${a.resolver}/24`, `${a.resolver6}/64`);
    }
    up(outside, 'lo', ...[a.shared, a.other, a.depot, a.sink].map((address) => `${address}/32`),
       ...[a.shared6, a.other6, a.depot6, a.sink6].map((address) => `${address}/128`));
    host.run('ip', 'route', 'add', 'default', 'via', router ? a.router : a.resolver);
    if (router) host.run('ip', 'route', 'add', `${a.resolver}/32`, 'via', a.router);
    if (router) host.run('ip', '-6', 'route', 'add', `${a.resolver6}/128`, 'via', a.router6);
    host.run('ip', '-6', 'route', 'add', 'default', 'via', router ? a.router6 : a.resolver6);
    host.run('sh', '-c', 'echo "0 2147483647" > /proc/sys/net/ipv4/ping_group_range');
    host.run('sh', '-c', 'echo 3 > /proc/sys/net/ipv4/tcp_fastopen');
    outside.run('sh', '-c', 'echo 3 > /proc/sys/net/ipv4/tcp_fastopen');
  }

  // The host sends no data again while an acknowledgement may still come, however slow the machine is. What is sent again
  // counts towards an upload budget, so tests of budgets cannot say otherwise how much arrives.
  waitForAcknowledgements() {
    const { host } = this;
    for (const family of ['-4', '-6']) {
      const [route] = host.run('ip', family, 'route', 'show', 'default').split('\n');
      host.run('ip', family, 'route', 'replace', ...route.trim().split(/\s+/), 'rto_min', '10s');
    }
    host.run('sh', '-c', 'echo 0 > /proc/sys/net/ipv4/tcp_early_retrans');
  }

  // The host has a resolv.conf, nsswitch.conf, hosts and subuid of its own.
  async #isolateFiles() {
    const files = {
      '/etc/resolv.conf': `nameserver ${addresses.resolver}\n`,
      '/etc/nsswitch.conf': 'hosts: files dns\n',
      '/etc/hosts': '127.0.0.1 localhost\n::1 localhost\n',
      '/etc/subuid': `${fencedUid}:470100:100\n`,
    };
    for (const [path, text] of Object.entries(files)) {
      const own = this.ownFile(path);
      await writeFile(own, text, { mode: 0o644 });
      await chmod(own, 0o644);
      this.host.run('sh', '-c', `[ -e ${path} ] || touch ${path}; mount --bind ${own} ${path}`);
    }
  }

  // What stands for a file of /etc on the host.
  ownFile(path) {
    return join(this.directory, path.replaceAll('/', '_'));
  }

  async #makeCertificates() {
    const at = (name) => join(this.directory, name);
    await writeFile(at('san.cnf'), `subjectAltName=${tlsNames.map((name) => `DNS:${name}`).join(',')}\n`);
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    run(['openssl', 'req', '-x509', ...key, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-subj', '/CN=test', '-days', '2']);
    run(['openssl', 'req', ...key, '-keyout', at('tls.key'), '-out', at('tls.csr'), '-subj', '/CN=allowed.test']);
    run(['openssl', 'x509', '-req', '-in', at('tls.csr'), '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial',
         '-out', at('tls.pem'), '-days', '2', '-extfile', at('san.cnf')]);
    await chmod(at('ca.pem'), 0o644);
  }

  async #startServers(owner, serverPrefix) {
    const { outside, directory } = this;
    const own = [];
    for (const [name, [v4, v6]] of Object.entries(records)) own.push(`--host-record=${name},${v4},${v6}`);
    this.resolver = outside.start(owner, [
      'dnsmasq', '--no-daemon', '--no-resolv', '--no-hosts', '--conf-file=/dev/null', '--user=root', '--bind-interfaces',
      `--listen-address=${addresses.resolver}`, `--listen-address=${addresses.resolver6}`, '--log-queries',
      '--log-facility=-', '--cname=alias.test,hidden.test', '--cname=www.wild.test,allowed.test',
      '--txt-record=allowed.test,smuggled', `--address=/open.test/${addresses.shared}`, ...own, '--local=/test/', '--local=/com/', '--local=/org/', '--pid-file=',
    ]);
    await this.#makeRepository();
    await writeFile(join(directory, 'nginx.conf'), this.#nginxConfig());
    const server = ['nginx', '-c', join(directory, 'nginx.conf'), '-p', directory, '-e', 'stderr'];
    this.server = outside.start(owner, [...serverPrefix, ...server]);
    this.arrivals = [];
    const sink = outside.start(owner, [process.execPath, sinkProgram, addresses.sink, addresses.sink6, addresses.resolver]);
    createInterface({ input: sink.stdout }).on('line', (line) => this.arrivals.push(JSON.parse(line)));
    await eventually('the sinks listen', () => this.arrivals.length > 0);
    this.arrivals.length = 0;
    await eventually('the TLS server answers', () => {
      try {
        return this.fetchAs(0, 'https://allowed.test/').status === 0;
      } catch {
        return false;
      }
    });
  }

  #nginxConfig() {
    const at = (name) => join(this.directory, name);
    return `daemon off; worker_processes 1; error_log stderr; pid ${at('nginx.pid')}; user root;
events { worker_connections 4096; }
http {
  access_log ${at('access.log')}; client_body_temp_path ${at('body')}; proxy_temp_path ${at('proxy')};
  fastcgi_temp_path ${at('fcgi')}; uwsgi_temp_path ${at('uwsgi')}; scgi_temp_path ${at('scgi')};
  ssl_certificate ${at('tls.pem')}; ssl_certificate_key ${at('tls.key')}; keepalive_timeout 300;
  ssl_protocols TLSv1.2 TLSv1.3;
  server {
    listen ${addresses.shared}:443 ssl default_server; listen ${addresses.other}:443 ssl default_server;
    listen [${addresses.shared6}]:443 ssl default_server; listen [${addresses.other6}]:443 ssl default_server;
    listen ${addresses.shared}:80 default_server; listen ${addresses.other}:80 default_server;
    listen [${addresses.shared6}]:80 default_server;
    listen ${addresses.shared}:8443 ssl default_server;
    root ${at('www')};
    location / { default_type text/plain; return 200 "hello $host\\n"; }
    location /repository.git/ { }
    location = /bulk { default_type application/octet-stream; }
  }
}
`;
  }

  async #makeRepository() {
    const www = join(this.directory, 'www');
    const work = join(this.directory, 'work');
    await mkdir(www);
    const git = (...args) => run(['git', '-c', 'user.name=t', '-c', 'user.email=t@localhost', ...args]);
    git('init', '-q', work);
    await writeFile(join(work, 'file'), 'content\n');
    git('-C', work, 'add', 'file');
    git('-C', work, 'commit', '-q', '-m', 'first');
    git('clone', '-q', '--bare', work, join(www, 'repository.git'));
    git('-C', join(www, 'repository.git'), 'update-server-info');
    await writeFile(join(www, 'bulk'), Buffer.alloc(16 << 20));
  }

  // Replaces the owner's list, as an editor does.
  async writeList(text) {
    this.listPath ??= join(this.directory, 'egress-allowlist.txt');
    await writeFile(this.listPath, text);
  }

  // The daemon behind the fence; it answers at `daemon.api` as well.
  async startDaemon(owner, settings = {}, options = {}) {
    if (!this.listPath) await this.writeList('allowed.test\nallowed.test:80\n*.wild.test\nalias.test\n');
    const socket = join(this.directory, `api-${++this.daemons}.sock`);
    const daemon = await startDaemon(owner, {
      prefix: this.host.prefix,
      settings: {
        PICORTEX_LISTEN: `127.0.0.1:8787,unix:${socket}`, PICORTEX_EGRESS_MODE: 'enforce',
        PICORTEX_EGRESS_USER: String(fencedUid), PICORTEX_EGRESS_ALLOWLIST: this.listPath, LOG_LEVEL: 'debug', ...settings,
      },
      ...options,
    });
    daemon.api = { path: socket };
    await daemon.line((line) => line.event_type === 'serve.listening' && line.address.startsWith('unix:'));
    return daemon;
  }
  daemons = 0;

  get clientEnvironment() {
    const ca = join(this.directory, 'ca.pem');
    return { PATH: process.env.PATH, HOME: '/tmp', CURL_CA_BUNDLE: ca, GIT_SSL_CAINFO: ca, NODE_EXTRA_CA_CERTS: ca,
             SSL_CERT_FILE: ca, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
  }

  // `capabilities` such as '+net_raw': for what some kernels let everybody do, and others do not.
  commandAs(uid, command, capabilities) {
    const more = capabilities ? [`--inh-caps=${capabilities}`, `--ambient-caps=${capabilities}`] : [];
    return [...this.host.prefix, 'setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', ...more, '--', ...command];
  }

  // Runs a program to its end as a user of the host: { status, output, errors, ms }.
  runAs(uid, command, { input, timeoutMs = 20_000, capabilities } = {}) {
    const [program, ...rest] = this.commandAs(uid, command, capabilities);
    const began = performance.now();
    return new Promise((resolve) => {
      const child = execFile(program, rest, { env: this.clientEnvironment, timeout: timeoutMs, killSignal: 'SIGKILL', cwd: '/tmp' },
                             (error, output, errors) => resolve({
        status: error ? (error.code ?? error.signal) : 0, output, errors, ms: performance.now() - began,
      }));
      child.stdin.on('error', () => {});  // a program that reads nothing may be gone already
      child.stdin.end(input ?? '');
    });
  }

  // The same, waiting.
  fetchAs(uid, url, ...more) {
    const [program, ...rest] = this.commandAs(uid, ['curl', '-sS', '--max-time', '5', ...more, url]);
    try {
      const output = execFileSync(program, rest, { env: this.clientEnvironment, stdio: ['ignore', 'pipe', 'pipe'] });
      return { status: 0, output: output.toString() };
    } catch (error) {
      return { status: error.status, output: String(error.stdout), errors: String(error.stderr) };
    }
  }

  python(uid, program, options) {
    return this.runAs(uid, ['/usr/bin/python3', '-c', program], options);
  }

  startAs(owner, uid, command) {
    const [program, ...rest] = this.commandAs(uid, command);
    const child = spawn(program, rest, { env: this.clientEnvironment, stdio: ['pipe', 'pipe', 'pipe'], cwd: '/tmp' });
    const exited = once(child, 'exit');
    cleanUpAfter(owner, async () => {
      child.kill('SIGKILL');
      await exited;
    });
    return child;
  }

  async accessLog() {
    return readFile(join(this.directory, 'access.log'), 'utf8').catch(() => '');
  }
}
