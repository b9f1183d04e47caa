// Fails on words that the project's glossary replaces, in comments, texts, test names and documents:
//
//   node scripts/check_prose.mjs
//
// scripts/prose_allowed.txt has the exceptions: on each line a path, a blank, and a regular expression for the line's text.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const replacements = [
  [/\banew\b/i, 'again'],
  [/\bnobody(?!-)\b/i, 'no client, no process, no one'],
  [/\bwhoever\b/i, 'name the actor'],
  [/\bwhom\b/i, 'name the actor'],
  [/\b(he|his|him)\b/, 'name the actor'],
  [/\bbeside\b/i, 'next to, with, compared with'],
  [/\bbehind\b(?! (the fence|a proxy|a TLS proxy|nginx|Caddy)\b)/i, 'after'],
  [/\b(tell|tells|telling|told)\b/i, 'report, log, show'],
  [/\buntold\b/i, 'suppressed'],
  [/\bmend(s|ed|ing)?\b/i, 'fix, remedy'],
  [/(?<!connection )\b[Rr]efus(e|es|ed|ing|al|als)\b/, 'deny for verdicts, reject for requests'],
  [/\badmit(s|ted|ting)?\b/i, 'allow, accept'],
  [/\bculprits?\b/i, 'process owner, socket owner'],
  [/\bfigures\b/i, 'stats, measurements'],
  [/\bown names\b/i, 'allowed hosts'],
  [/\bturns? of the loop\b/i, 'iteration'],
  [/\bso many\b/i, 'this many, or name the number'],
  [/\blet(s)? go\b/i, 'allow, release'],
  [/\b(what is passed|outlives (this|it)\b)/i, 'References passed in must outlive this object.'],
  [/\b(hidden_name|not_understood|contradiction|crowded_out|not_followed|address_disagrees)\b/, 'the reason codes of docs/reference/events.md'],
];

// The comments and texts of a line of code. Code itself is not prose: an identifier may have any name.
function proseOf(line, extension) {
  if (!['h', 'cpp', 'js', 'mjs'].includes(extension)) return line;
  const found = [];
  const name = /BOOST_\w+_TEST_(?:CASE|SUITE)\((\w+)/.exec(line);
  if (name) found.push(name[1].replaceAll('_', ' '));
  let rest = line;
  for (;;) {
    const begin = rest.search(/\/\/|["'`]/);
    if (begin < 0) break;
    if (rest.startsWith('//', begin)) {
      found.push(rest.slice(begin + 2));
      break;
    }
    const text = /^(["'`])((?:\\.|(?!\1).)*)/.exec(rest.slice(begin));
    found.push(text[2]);
    rest = rest.slice(begin + text[0].length + 1);
  }
  return found.join(' ');
}

const allowed = readFileSync('scripts/prose_allowed.txt', 'utf8').split('\n').filter((line) => line && !line.startsWith('#'))
  .map((line) => ({ path: line.slice(0, line.indexOf(' ')), text: new RegExp(line.slice(line.indexOf(' ') + 1)), isUsed: false }));
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' }).split('\n')
  .filter((file) => /\.(h|cpp|js|mjs|py|sh|lua|md|html|css|conf|txt|cmake|service|socket|[158])$|^deploy\//.test(file))
  .filter((file) => !/(^|\/)(vendor|node_modules)\/|^scripts\/(check_prose\.mjs|prose_allowed\.txt)$/.test(file));
let wrong = 0;
for (const file of files) {
  let lines;
  try {
    lines = readFileSync(file, 'utf8').split('\n');
  } catch (error) {
    if (error.code === 'ENOENT') continue;  // deleted, and not yet in a commit
    throw error;
  }
  for (const [index, line] of lines.entries()) {
    const prose = proseOf(line, file.split('.').pop());
    for (const [word, instead] of replacements) {
      if (!word.test(prose)) continue;
      const exception = allowed.find(({ path, text }) => path === file && text.test(line));
      if (exception) {
        exception.isUsed = true;
        continue;
      }
      console.log(`${file}:${index + 1}: "${word.exec(prose)[0]}": ${instead}`);
      wrong += 1;
    }
  }
}
for (const { path, text } of allowed.filter(({ isUsed }) => !isUsed)) {
  console.log(`scripts/prose_allowed.txt: ${path} ${text.source}: this exception is not needed any more`);
  wrong += 1;
}
process.exitCode = wrong === 0 ? 0 : 1;
