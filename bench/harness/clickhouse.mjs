// Debian's ClickHouse server as a process of the bench, with a directory of its own, perhaps in a network namespace.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newFolder } from './contestants.mjs';
import { allCpus, output, sleep, start } from './children.mjs';
import { cpuTime } from './proc.mjs';

const ports = { http_port: 18711, tcp_port: 18712, interserver_http_port: 18713 };

export class ClickHouse {
  // `prefix`: a command that enters its namespace. `mount`: a function that is given the directory of its data.
  constructor({ address = '127.0.0.1', prefix = [], mount = () => {} } = {}) {
    this.address = address;
    this.prefix = prefix;
    this.directory = newFolder();
    for (const name of ['data', 'log']) mkdirSync(join(this.directory, name));
    mount(this.data);
    let config = readFileSync('/etc/clickhouse-server/config.xml', 'utf8')
      .replaceAll('/var/lib/clickhouse/', `${this.directory}/data/`)
      .replaceAll('/var/log/clickhouse-server/', `${this.directory}/log/`)
      .replace('<http_port>', `<listen_host>${address}</listen_host><http_port>`);
    for (const [name, port] of Object.entries(ports)) config = config.replace(new RegExp(`<${name}>\\d+`), `<${name}>${port}`);
    writeFileSync(join(this.directory, 'config.xml'), config);
    writeFileSync(join(this.directory, 'users.xml'), readFileSync('/etc/clickhouse-server/users.xml'));
  }

  get data() {
    return join(this.directory, 'data');
  }

  target(table) {
    return `clickhouse+http://${this.address}:${ports.http_port}/default?table=${table}`;
  }

  // The flags of clickhouse-client.
  get native() {
    return ['--host', this.address, '--port', String(ports.tcp_port)];
  }

  // What it has used so far, in microseconds.
  get cpu() {
    return cpuTime(this.child.pid);
  }

  async start() {
    this.child = start(allCpus, [...this.prefix, 'clickhouse-server', `--config-file=${this.directory}/config.xml`], { files: ['ignore', 'ignore', 'ignore'] });
    for (let tries = 0; tries < 240; tries += 1) {
      try {
        return await this.query('SELECT 1');
      } catch {
        await sleep(250);
      }
    }
    throw new Error('clickhouse-server does not answer');
  }

  query(sql) {
    return output(allCpus, this.asking(sql));
  }

  // The command that prints the answer: it enters the namespace too. `settings`: as in a URL.
  asking(sql, settings = '') {
    return [...this.prefix, 'curl', '--silent', '--show-error', '--fail', '--data-binary', sql, `http://${this.address}:${ports.http_port}/?${settings}`];
  }

  // Its whole process group: the prefix is a part of it.
  signal(name) {
    process.kill(-this.child.pid, name);
  }

  async kill() {
    this.signal('SIGKILL');
    await this.child.ended;
  }
}
