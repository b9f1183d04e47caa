// Decides whether a message is for the agent. Each rule has a name, and each decision says which rule made it, why, and
// what it looked at: `picortex why` shows all of that.
const THRESHOLDS = { score: 0.5 };

const SIGNS = [
  { pattern: /\?\s*$/, score: 0.4 },                                            // it asks
  { pattern: /^(please|can you|could you|would you)\b/i, score: 0.4 },         // it asks politely
  { pattern: /\b(build|fix|write|run|deploy|test|explain|find|make)\b/i, score: 0.3 },
  { pattern: /^(ok|okay|thanks|thank you|lol|haha|great|nice|good night)\b/i, score: -0.5 },
];

export function decide({ text, isGroup }) {
  const started = performance.now();
  const inputs = { score: scoreOf(text), words: text.split(/\s+/).filter(Boolean).length, is_group: isGroup, mentions_bot: /@bot\b/i.test(text) };
  const { decision, rule, reason } = judge(text, inputs);
  return { decision, rule, reason, inputs, thresholds: THRESHOLDS, duration_ms: Math.round(performance.now() - started) };
}

function judge(text, { score, is_group: isGroup, mentions_bot: mentionsBot }) {
  if (text.trim() === '') return { decision: 'skip', rule: 'no-text', reason: 'the message has no text' };
  if (mentionsBot) return { decision: 'answer', rule: 'mentioned', reason: 'the bot is mentioned' };
  if (isGroup) return { decision: 'skip', rule: 'group', reason: 'it is in a group and does not mention the bot' };
  if (score >= THRESHOLDS.score) return { decision: 'answer', rule: 'asks', reason: 'it asks for something' };
  return { decision: 'skip', rule: 'small-talk', reason: 'nothing is asked' };
}

function scoreOf(text) {
  const sum = SIGNS.reduce((total, { pattern, score }) => total + (pattern.test(text.trim()) ? score : 0), 0.1);
  return Math.round(Math.min(Math.max(sum, 0), 1) * 100) / 100;
}
