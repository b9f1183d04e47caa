// Each answer that the guide "Find what happened" shows is what its command prints for the example data, to the last byte.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { picortex } from './support/answers.mjs';
import { testFile } from './support/cleanup.mjs';
import { startDaemon } from './support/daemon.mjs';
import { postQuestions } from './support/questions.mjs';

const guide = new URL('../../docs/guides/find-what-happened.md', import.meta.url);
const daemon = await startDaemon(testFile);
await postQuestions(daemon);

// The blocks that begin with a prompt, each with its command and what it prints.
const text = readFileSync(guide, 'utf8');
const blocks = [...text.matchAll(/```console\n\$ picortex ([^\n]*)\n([\s\S]*?)```\n/g)];

// The words of a command line as a shell has them: blanks separate, quotes of either kind hold together.
function words(line) {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, plain]) => single ?? double ?? plain);
}

test('the guide has the twelve questions', () => {
  const headings = text.match(/^### \d+\. .*\?$/gm);
  assert.equal(headings.length, 12);
  assert.ok(blocks.length >= 12);
});

for (const [, line, shown] of blocks) {
  test(`picortex ${line}`, async () => {
    const answer = await picortex(daemon.dataDir, words(line), { TZ: 'UTC' });
    assert.deepEqual({ stderr: answer.stderr, code: answer.code }, { stderr: '', code: 0 });
    // With PICORTEX_WRITE_GUIDE the guide takes over what the commands print, to be read before it is committed.
    if (process.env.PICORTEX_WRITE_GUIDE && answer.stdout !== shown) {
      const now = readFileSync(guide, 'utf8');
      const before = `\`\`\`console\n$ picortex ${line}\n`;
      writeFileSync(guide, now.replace(`${before}${shown}\`\`\`\n`, () => `${before}${answer.stdout}\`\`\`\n`));
      return;
    }
    assert.equal(answer.stdout, shown);
  });
}
