// The servers that are measured, each on its own port.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { Server, workDirectory } from './children.mjs';

const root = resolve(import.meta.dirname, '../..');
export const buildDirectory = join(root, 'build/release');
export const binary = process.env.PICORTEX_BINARY ?? join(buildDirectory, 'picortex');

let folders = 0;
export function newFolder() {
  folders += 1;
  const path = join(workDirectory, `data-${folders}`);
  mkdirSync(path);
  return path;
}

export class Picortex extends Server {
  constructor({ env = {}, stdout, data = newFolder(), name = 'picortex' } = {}) {
    super(name, [binary, 'serve', '--listen', '127.0.0.1:18701', '--data-dir', data], {
      url: 'http://127.0.0.1:18701',
      env: { LOG_LEVEL: 'info', PICORTEX_LOG_FORMAT: 'json', PICORTEX_FRONTEND_LOG_RATE: '0', ...env },
      stdout,
    });
    this.data = data;
  }

  get token() {
    return readFileSync(join(this.data, 'token'), 'utf8').trim();
  }

  async ask(path) {
    const answer = await fetch(this.url + path, { headers: { authorization: `Bearer ${this.token}`, connection: 'close' } });
    return answer.json();
  }

  status() {
    return this.ask('/api/status');
  }
}

// Returns picortex's whole answer to GET /health, byte by byte.
export function healthAnswer() {
  return new Promise((done, failed) => {
    const socket = connect(18701, '127.0.0.1');
    let answer = '';
    socket.on('error', failed);
    socket.on('data', (piece) => {
      answer += piece;
      if (answer.endsWith('}}')) socket.end();
    });
    socket.on('close', () => done(answer));
    socket.write('GET /health HTTP/1.1\r\nHost: 127.0.0.1:18701\r\n\r\n');
  });
}

export class NullServer extends Server {
  constructor(answer) {
    const file = join(workDirectory, 'answer');
    writeFileSync(file, answer);
    super('null server', [join(buildDirectory, 'bench/null_server'), '18704', file], { url: 'http://127.0.0.1:18704' });
  }
}

// Stores bodies and syncs them: the limit of durable events. `mode`: append, or in-place.
export class DurableNullServer extends Server {
  constructor(mode) {
    super(`durable null server, ${mode}`, [join(buildDirectory, 'bench/durable_null_server'), mode === 'append' ? '18704' : '18705', join(newFolder(), 'bodies'), mode],
      { url: `http://127.0.0.1:${mode === 'append' ? 18704 : 18705}` });
  }
}

// nginx returns picortex's body with picortex's header fields, all constant: it generates no ID and reads no counters.
export class Nginx extends Server {
  constructor(answer, { connections = 1024 } = {}) {
    const [head, body] = answer.split('\r\n\r\n');
    const kept = head.split('\r\n').slice(1).filter((line) => !/^(date|content-type|content-length|connection):/i.test(line));
    const fields = kept.map((line) => {
      const [name, value] = line.split(': ');
      return `add_header ${name} "${value}";`;
    });
    const folder = newFolder();
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((one) => `${one}_temp_path ${folder}/${one};`);
    const file = join(folder, 'nginx.conf');
    writeFileSync(
      file,
      `daemon off; master_process off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
worker_rlimit_nofile ${connections + 64};
events { worker_connections ${connections}; }
http {
  access_log off; keepalive_requests 4294967295; keepalive_timeout 75s; default_type "application/json; charset=utf-8";
  ${temporary.join(' ')}
  server { listen 127.0.0.1:18702 backlog=4096; location = /health { ${fields.join(' ')} return 200 '${body}'; } }
}
`,
    );
    super('nginx', ['nginx', '-p', folder, '-c', file], { url: 'http://127.0.0.1:18702' });
  }
}

export class Fastify extends Server {
  constructor({ env = {}, stdout } = {}) {
    super('Fastify app', ['node', join(root, 'bench/peers/server.mjs')], {
      url: 'http://127.0.0.1:18703',
      env: { PORT: '18703', DATA_DIR: newFolder(), FRONTEND_LOG_RATE: '0', NODE_ENV: 'production', LOG_LEVEL: 'info', ...env },
      stdout,
    });
  }
}
