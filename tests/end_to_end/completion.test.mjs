// The completions that the package installs, asked as the shells ask them.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { repository } from './support/client_package.mjs';

const folder = join(repository, 'deploy/completions');
const run = async (program, words) => (await promisify(execFile)(program, words, { timeout: 60_000 })).stdout;

// What bash proposes at the end of a line; "=" is a word of its own, as bash splits lines.
async function bash(line) {
  const words = line.replaceAll('=', ' = ').split(' ');
  const script = `. ${folder}/picortex.bash; complete -p picortex >&2
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _picortex || :; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return (await run('bash', ['--norc', '-euo', 'pipefail', '-c', script, 'bash', ...words])).split('\n').filter(Boolean);
}

async function fish(line) {
  const output = await run('fish', ['--no-config', '-c', `source ${folder}/picortex.fish; complete -C "$argv"`, line]);
  return output.split('\n').filter(Boolean).map((proposal) => proposal.split('\t')[0]);
}

// The line as it stands after Tab.
const zsh = async (line) => (await run('zsh', ['-f', 'support/zsh_completion.zsh', folder, line])).trimEnd();

test('bash completes', async () => {
  const commands = await bash('picortex ');
  for (const name of ['serve', 'logs', 'egress', 'help', 'version', 'completion']) assert.ok(commands.includes(name), name);
  for (const [line, proposals] of [
    ['picortex egress al', ['allow']],
    ['picortex help egress al', ['allow']],
    ['picortex logs --lev', ['--level']],
    ['picortex logs --level w', ['warn']],
    ['picortex logs --level=w', ['warn']],
    ['picortex logs --level=warn --fol', ['--follow']],
    ['picortex logs --chat egress al', []],
    ['picortex turns --sort c', ['cost']],
    ['picortex ship --to http://x st', ['status']],
    ['picortex db backup /etc/hostn', ['/etc/hostname']],
    ['picortex serve --data-dir /et', ['/etc']],
    ['picortex serve --egress-user roo', ['root']],
    ['picortex run --chat c -- env /etc/hostn', ['/etc/hostname']],
    ['picortex completion z', ['zsh']],
    ['picortex logs --text ', []],
  ]) {
    assert.deepEqual(await bash(line), proposals, line);
  }
  assert.ok((await bash('picortex run -- ba')).includes('bash'));
});

test('fish completes', async () => {
  const commands = await fish('picortex ');
  for (const name of ['serve', 'logs', 'egress', 'help', 'version', 'completion']) assert.ok(commands.includes(name), name);
  for (const [line, proposals] of [
    ['picortex egress al', ['allow']],
    ['picortex help egress al', ['allow']],
    ['picortex logs --level w', ['warn']],
    ['picortex ship --to http://x st', ['status']],
    ['picortex db backup /etc/hostn', ['/etc/hostname']],
    ['picortex completion z', ['zsh']],
  ]) {
    assert.deepEqual(await fish(line), proposals, line);
  }
  assert.ok((await fish('picortex logs --')).includes('--where'));
  assert.ok((await fish('picortex run --chat c -- ba')).includes('bash'));
});

test('zsh completes', async () => {
  for (const [line, completed] of [
    ['picortex vers', 'picortex version '],
    ['picortex egress al', 'picortex egress allow '],
    ['picortex help egress al', 'picortex help egress allow '],
    ['picortex logs --level=w', 'picortex logs --level=warn '],
    ['picortex logs --fol', 'picortex logs --follow '],
    ['picortex ship --to x st', 'picortex ship --to x status '],
    ['picortex db backup /etc/hostn', 'picortex db backup /etc/hostname '],
    ['picortex run --chat c -- env /etc/hostn', 'picortex run --chat c -- env /etc/hostname '],
  ]) {
    assert.equal(`${await zsh(line)} `, completed, line);
  }
});
