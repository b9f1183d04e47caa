// Debian's ClickHouse server, as an ordinary process with a directory of its own on free ports of loopback.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { cleanUpAfter } from './cleanup.mjs';
import { eventually, temporaryDirectory } from './daemon.mjs';

export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

// `elements`: the content of more elements of the configuration, by name, in place of those that are there.
function configure(directory, [http, tcp, interserver], elements) {
  let config = readFileSync('/etc/clickhouse-server/config.xml', 'utf8')
    .replaceAll('/var/lib/clickhouse/', `${directory}/data/`)
    .replaceAll('/var/log/clickhouse-server/', `${directory}/log/`);
  for (const [name, port] of [['http_port', http], ['tcp_port', tcp], ['interserver_http_port', interserver]]) {
    config = config.replace(new RegExp(`<${name}>\\d+`), `<${name}>${port}`);
  }
  config = config.replace('<http_port>', '<listen_host>127.0.0.1</listen_host><http_port>');
  for (const [name, content] of Object.entries(elements)) {
    config = config.replace(new RegExp(`<${name} [^>]*(/>|>[\\s\\S]*?</${name}>)`), '').replace('</yandex>', `<${name}>${content}</${name}></yandex>`);
  }
  writeFileSync(join(directory, 'config.xml'), config);
  writeFileSync(join(directory, 'users.xml'), readFileSync('/etc/clickhouse-server/users.xml'));
}

class ClickHouse {
  constructor(directory, port) {
    this.directory = directory;
    this.port = port;
  }

  get origin() {
    return `http://127.0.0.1:${this.port}`;
  }

  // The answer's text, or the first line of what the server says is wrong.
  async query(sql) {
    const response = await fetch(`${this.origin}/`, { method: 'POST', body: sql });
    const text = await response.text();
    if (!response.ok) throw new Error(text.split('\n')[0]);
    return text;
  }

  async rows(sql) {
    const text = await this.query(`${sql} FORMAT JSONEachRow`);
    return text.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  }

  async start() {
    this.child = spawn('clickhouse-server', [`--config-file=${this.directory}/config.xml`],
      { cwd: this.directory, stdio: 'ignore' });
    const exited = once(this.child, 'exit');
    this.exited = exited;
    await eventually('ClickHouse answers', () => fetch(`${this.origin}/ping`).then((answer) => answer.ok, () => false), 60_000);
  }

  async end(signal = 'SIGKILL') {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    await this.exited;
  }
}

// `ports`: for HTTP, for the native protocol, and for other servers.
export async function startClickHouse(owner, { ports, elements = {} } = {}) {
  const directory = await temporaryDirectory(owner);
  for (const name of ['data', 'log']) mkdirSync(join(directory, name));
  ports ??= await freePorts(3);
  configure(directory, ports, elements);
  const server = new ClickHouse(directory, ports[0]);
  await server.start();
  cleanUpAfter(owner, () => server.end());
  return server;
}
