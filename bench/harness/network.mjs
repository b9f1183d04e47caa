// Network namespaces that are joined by virtual cables, each with mounts of its own. They live as long as the processes that hold them.

import { once } from 'node:events';
import { execFileSync } from 'node:child_process';
import { allCpus, start } from './children.mjs';

export class Namespace {
  static async open() {
    const self = new Namespace();
    self.child = start(allCpus, ['unshare', '--net', '--mount', 'sh', '-c', 'ip link set lo up; echo ready; exec sleep infinity']);
    await once(self.child.stdout, 'data');
    return self;
  }

  get prefix() {
    return ['nsenter', '--target', String(this.child.pid), '--net', '--mount', `--wd=${process.cwd()}`, '--'];
  }

  run(...command) {
    execFileSync(this.prefix[0], [...this.prefix.slice(1), ...command], { stdio: ['ignore', 'ignore', 'inherit'] });
  }

  // Has ip(8) run a command without starting it first, so that it happens within a millisecond or so.
  ip(command) {
    this.console ??= start(allCpus, [...this.prefix, 'ip', '-force', '-batch', '-'], { files: ['pipe', 'ignore', 'inherit'] });
    this.console.stdin.write(`${command}\n`);
  }

  // A cable to another namespace: `name` there and here, with these addresses.
  join(other, name, ownAddress, otherAddress) {
    this.run('ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', name, 'netns', String(other.child.pid));
    for (const [end, address] of [[this, ownAddress], [other, otherAddress]]) {
      end.run('ip', 'address', 'add', `${address}/24`, 'dev', name);
      end.run('ip', 'link', 'set', name, 'up');
    }
  }

  // Makes a file system of that size which only this namespace sees, in a file, and mounts it at the directory.
  mount(directory, megabytes) {
    const image = `${directory}.image`;
    this.run('truncate', '-s', `${megabytes}M`, image);
    this.run('mkfs.ext4', '-q', '-F', '-m', '0', image);
    this.run('mount', '-o', 'loop', image, directory);
  }
}
