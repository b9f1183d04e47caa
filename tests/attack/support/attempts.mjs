// The product of techniques, fates of the socket and families, run in batches as a user of the host.
import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const runner = fileURLToPath(new URL('../runner.py', import.meta.url));
export const techniques = JSON.parse(execFileSync('/usr/bin/python3', [runner, 'list'], { encoding: 'utf8' }));

let lastNumber = 0;

// Numbers are never used again, so that what comes late is not taken for another attempt's.
export function number(attempts) {
  if (lastNumber + attempts.length >= 0xffff) throw new Error('the marks have 16 bits');
  return attempts.map((attempt) => ({ ...attempt, id: ++lastNumber }));
}

export function product(family, { fates = ['kept', 'closed', 'killed', 'passed'], which = () => true } = {}) {
  return techniques.filter((technique) => technique.families.includes(family) && which(technique))
    .flatMap((technique) => technique.fates.filter((fate) => fates.includes(fate))
      .map((fate) => ({ technique: technique.name, fate, family })));
}

export class Batch {
  constructor(world, uid, attempts) {
    this.attempts = attempts;
    this.failed = new Map();
    const [program, ...rest] = world.commandAs(uid, ['/usr/bin/python3', '-B', runner], '+net_raw,+net_admin');
    this.child = spawn(program, rest, { env: world.clientEnvironment, stdio: ['pipe', 'pipe', 'inherit'], cwd: '/tmp' });
    this.child.stdin.on('error', () => {});
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    this.child.stdin.write(JSON.stringify(attempts.map(({ id, technique, fate, family }) => ({ id, technique, fate, family }))) + '\n');
  }

  async #answer() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error('the runner of the attempts ended early');
    for (const failed of Object.values(JSON.parse(value))) {
      for (const [number, why] of Object.entries(failed)) if (!this.failed.has(Number(number))) this.failed.set(Number(number), why);
    }
  }

  prepared() {
    return this.#answer();
  }

  async fire() {
    this.child.stdin.write('fire\n');
    await this.#answer();
  }

  async later() {
    this.child.stdin.write('later\n');
    await this.#answer();
  }

  async end() {
    const exited = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.stdin.end('end\n');
    await exited;
  }
}
