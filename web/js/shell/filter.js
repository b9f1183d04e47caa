// The filter: conditions as they are written on the prompt (`decision=skip`, `!type=log`), and one text. The grammar of a condition is that
// of `--where` (docs/guides/find-what-happened.md):
//
//   condition = ["!"] name operator value
//   operator  = "!=" | "!~" | ">=" | "<=" | "=" | ">" | "<" | "~"
//
// Where the daemon has a parameter of its own for a condition, that is used: it is answered from stored counts.

const CONDITION = /^(!?)([^\s=<>~!"][^=<>~!"]*?)(!=|!~|>=|<=|=|>|<|~)([\s\S]*)$/;
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const TEXT_SIZE_MAX = 256;

// [parameter, name, operator]
const PARAMETERS = [['event_type', 'type', '='], ['chat_id', 'chat', '='], ['level', 'level', '>='], ['request_id', 'request', '=']];

// What is typed is a condition only with a plain name: the text "https://a.example/?x=1" is none.
const TYPED = /^!?[\w.@$-]+(?:!=|!~|>=|<=|=|>|<|~)/;

// Returns { isNegated, name, operator, value }; null if the text is no condition.
export function parseCondition(text) {
  const [, negation, name, operator, value] = CONDITION.exec(text) ?? [];
  return name === undefined ? null : { isNegated: negation !== '', name: name.trim(), operator, value };
}

// Returns the condition that a field has a value, or has not; null if that cannot be said in a condition.
export function conditionOf(name, value, isNegated = false) {
  if (value === null || typeof value === 'object') return null;
  const text = `${isNegated ? '!' : ''}${name}=${value}`;
  const parsed = parseCondition(text);
  return parsed !== null && parsed.name === name && parsed.value === String(value) ? text : null;
}

// Splits what was typed at blanks outside double quotes. Returns { conditions, text }: words that are no condition are the text.
export function parsePrompt(typed) {
  const conditions = [];
  const words = [];
  for (const [word] of typed.matchAll(/(?:"[^"]*"?|[^\s"])+/g)) {
    const isQuoted = word.startsWith('"');
    const plain = word.replaceAll('"', '');
    if (!isQuoted && TYPED.test(plain)) conditions.push(plain);
    else if (plain !== '') words.push(plain);
  }
  return { conditions, text: words.join(' ') };
}

// Returns a condition or a text as it can be typed again.
export function promptText(condition) {
  return /[\s"]/.test(condition) ? condition.replace(/^(!?[^=<>~!]+(?:!=|!~|>=|<=|=|>|<|~))?([\s\S]*)$/, (_, head = '', rest) => `${head}"${rest.replaceAll('"', '')}"`) : condition;
}

// Returns what is wrong with a condition; empty if the daemon can be asked.
export function problemOf(condition) {
  const parsed = parseCondition(condition);
  if (parsed === null) return `"${condition.slice(0, 60)}" is no condition such as decision=skip`;
  const { name, operator, value } = parsed;
  const isEqual = operator === '=' || operator === '!=';
  if (name === 'type' && isEqual && /\*./.test(value)) return 'Type may have a * at its end only, as in linq.*';
  if (name === 'chat' && isEqual && /\*./.test(value)) return 'Chat may have a * at its end only, as in chat-*';
  if (name === 'request' && operator === '=' && !UUID.test(value)) return 'Request is not a whole UUID';
  if (name === 'level' && operator !== '~' && operator !== '!~' && !LEVELS.includes(value.toLowerCase())) {
    return `Level "${value.slice(0, 60)}" is not one of ${LEVELS.join(', ')}`;
  }
  return '';
}

export function problemOfText(text) {
  return new TextEncoder().encode(text).length > TEXT_SIZE_MAX ? 'Text is longer than 256 bytes' : '';
}

// Adds the parameters of { text, conditions } to a query, or to an address, which has the same names.
export function addParameters(query, { text, conditions }) {
  for (const condition of conditions) {
    const parsed = parseCondition(condition);
    const own = PARAMETERS.find(([parameter, name, operator]) => parsed !== null && !parsed.isNegated && name === parsed.name &&
      operator === parsed.operator && parsed.value !== '' && !query.has(parameter));
    if (own) query.set(own[0], parsed.value);
    else query.append('where', condition);
  }
  if (text !== '') query.set('text', text);
}

// Returns { text, conditions } of an address.
export function readParameters(query) {
  const conditions = [];
  for (const [parameter, name, operator] of PARAMETERS) {
    const value = query.get(parameter)?.trim() ?? '';
    // The lowest level is every level.
    if (value !== '' && !(parameter === 'level' && value.toLowerCase() === 'trace')) conditions.push(`${name}${operator}${value}`);
  }
  conditions.push(...query.getAll('where').filter((condition) => condition !== ''));
  return { text: query.get('text')?.trim() ?? '', conditions };
}

// Returns the conditions with one more, which replaces what it contradicts: another value of the same field, or its own negation.
export function withCondition(conditions, added) {
  const { isNegated, name, operator, value } = parseCondition(added) ?? {};
  const kept = conditions.filter((condition) => {
    const other = parseCondition(condition);
    if (condition === added) return false;
    if (other === null || other.name !== name || operator !== '=' || other.operator !== '=') return true;
    return other.value === value ? false : isNegated || other.isNegated;
  });
  return [...kept, added];
}
