// A host that a test may break: a network and a mount namespace with a copy of /etc, in which `picortex doctor` finds what is
// wrong and its fixes are run. Needs root.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cleanUpAfter } from './cleanup.mjs';
import { binary, environment, eventually, temporaryDirectory } from './daemon.mjs';
import { Namespace } from './namespaces.mjs';

// What the fixes name and this machine may lack, or what would reach beyond the namespace.
const systemctl = `#!/bin/sh
[ "$*" != 'disable --now systemd-resolved' ] || rm -f /run/systemd/resolve/io.systemd.Resolve
`;

export class BrokenHost {
  static async create(owner) {
    const host = new BrokenHost();
    host.owner = owner;
    host.namespace = await Namespace.open(owner);
    host.directory = await temporaryDirectory(owner);
    await chmod(host.directory, 0o755);
    const at = (name) => join(host.directory, name);
    for (const name of ['etc', 'bin', 'run', 'kernel', 'netfilter']) await mkdir(at(name));
    await writeFile(at('bin/systemctl'), systemctl, { mode: 0o755 });
    await symlink(binary, at('bin/picortex'));
    await host.shell(`cp -a /etc/. ${at('etc')} && mount --bind ${at('etc')} /etc && mount --bind ${at('run')} /run
      rm -rf /etc/claude-code /etc/picortex  # what this machine happens to have
      mkdir -p /etc/systemd /etc/sysctl.d /etc/picortex
      printf 'hosts: files dns\\n' > /etc/nsswitch.conf
      echo 0 > ${at('kernel/io_uring_disabled')}; mkdir ${at('kernel/yama')}; echo 1 > ${at('kernel/yama/ptrace_scope')}
      cp /proc/sys/kernel/ngroups_max ${at('kernel')}
      echo 10 > ${at('netfilter/nf_conntrack_count')}; echo 262144 > ${at('netfilter/nf_conntrack_max')}
      mount --bind ${at('kernel')} /proc/sys/kernel; mount --bind ${at('netfilter')} /proc/sys/net/netfilter`);
    host.config = at('picortex.conf');
    host.dataDir = at('data');
    await host.setUp();
    return host;
  }

  // A data directory with its token, and a configuration in which nothing is wrong but that no daemon runs.
  async setUp() {
    await this.shell(`rm -rf ${this.dataDir} && install -d -m 700 ${this.dataDir}
      umask 077; printf 'a-token-of-the-test-0123456789\\n' > ${this.dataDir}/token`);
    await this.configure();
  }

  // Replaces the config file: the usual lines, and these.
  async configure(...lines) {
    const usual = [`PICORTEX_DATA_DIR=${this.dataDir}`, 'PICORTEX_TMUX_SOCKET=none', 'PICORTEX_MIN_FREE_BYTES=1M',
                   'PICORTEX_LISTEN=127.0.0.1:8787', 'PICORTEX_LOG_FORMAT=json'];
    await rm(this.config, { force: true });
    await writeFile(this.config, [...usual, ...lines, ''].join('\n'), { mode: 0o640 });
  }

  async addLine(line) {
    await appendFile(this.config, `${line}\n`);
  }

  readConfig() {
    return readFile(this.config, 'utf8');
  }

  environment(settings = {}) {
    const env = environment({ PICORTEX_CONFIG: this.config, PATH: `${join(this.directory, 'bin')}:${process.env.PATH}`, ...settings });
    for (const name of ['PICORTEX_RETENTION_DAYS', 'PICORTEX_MIN_FREE_BYTES']) {
      if (!(name in settings)) delete env[name];
    }
    return env;
  }

  // Runs a program to its end in the namespace: { code, stdout, stderr }.
  run(command, settings) {
    const [program, ...words] = [...this.namespace.prefix, ...command];
    return new Promise((resolve) => {
      execFile(program, words, { env: this.environment(settings), timeout: 30_000, cwd: this.directory }, (error, stdout, stderr) =>
        resolve({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr }));
    });
  }

  // Runs a text in the shell into which people paste.
  async shell(text, settings) {
    const result = await this.run(['bash', '-euc', text], settings);
    assert.equal(result.code, 0, `${text}\n${result.stderr}`);
    return result.stdout;
  }

  // Starts a program that ends with the test.
  start(owner, command, settings) {
    const [program, ...words] = [...this.namespace.prefix, ...command];
    const child = spawn(program, words, { env: this.environment(settings), stdio: 'ignore', cwd: this.directory });
    const exited = once(child, 'exit');
    child.stop = async () => {
      child.kill('SIGTERM');
      await exited;
    };
    cleanUpAfter(owner, child.stop);
    return child;
  }

  async startDaemon(owner, settings) {
    const daemon = this.start(owner, [binary, 'serve'], settings);
    await eventually('the daemon answers', async () => (await this.run([binary, 'health'], settings)).stdout !== '');
    return daemon;
  }

  // What doctor finds: { code, findings }.
  async doctor(settings, words = []) {
    const { code, stdout, stderr } = await this.run([binary, 'doctor', '--json', ...words], settings);
    assert.equal(stderr, '');
    return { code, ...JSON.parse(stdout) };
  }

  // The warnings and problems of one check.
  async wrong(check, settings, words) {
    const { code, status, findings } = await this.doctor(settings, words);
    const all = findings.filter(({ severity }) => severity === 'warning' || severity === 'problem');
    assert.deepEqual([code, status], all.length === 0 ? [0, 'ok'] : [1, all.some(({ severity }) => severity === 'problem') ? 'problem' : 'warning']);
    return all.filter((finding) => finding.check === check);
  }

  // The one finding of a check whose text matches.
  async finds(check, what, { settings, words } = {}) {
    const found = (await this.wrong(check, settings, words)).filter((finding) => what.test(finding.what));
    assert.equal(found.length, 1, `${check} ${what}: ${JSON.stringify((await this.doctor(settings, words)).findings, null, 1)}`);
    return found[0];
  }

  // Doctor names what is wrong, its fix is run as it is printed, and nothing of that check is wrong any more.
  async findsAndFixes(check, what, fix, { settings, words } = {}) {
    const found = await this.finds(check, what, { settings, words });
    assert.match(found.fix, fix);
    await this.shell(found.fix, settings);
    assert.deepEqual((await this.wrong(check, settings, words)).filter((finding) => what.test(finding.what)), []);
  }
}
