// An agent as Claude Code is one: it reports by hooks and by OTLP, with what `picortex run` gave it.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { picortex } from './answers.mjs';

// The environment that an agent gets when the bot starts it for a chat.
export async function environmentOf(daemon, chat, variables = {}) {
  const { stdout, code } = await picortex(daemon.dataDir, ['run', '--chat', chat, '--log-events', 'never', '--', 'env', '-0'],
                                          { PICORTEX_LISTEN: daemon.authority, ...variables });
  assert.equal(code, 0);
  return Object.fromEntries(stdout.split('\0').filter(Boolean).map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}

export class Agent {
  constructor(client, chat, env, session = randomUUID()) {
    this.client = client;
    this.chat = chat;
    this.session = session;
    this.env = env;
    this.sequence = 0;
    this.timeMs = () => Date.now();
    this.headers = { authorization: `Bearer ${env.PICORTEX_HOOK_TOKEN}`, 'x-picortex-chat': env.PICORTEX_HOOK_CHAT,
      'x-picortex-chat-key': env.PICORTEX_HOOK_KEY, 'x-picortex-request': env.PICORTEX_REQUEST_ID, 'x-picortex-run': env.PICORTEX_RUN_ID };
  }

  // The answer to a hook.
  async ask(name, prompt, more = {}) {
    const body = { session_id: this.session, prompt_id: prompt, hook_event_name: name, ...more };
    const answer = await this.client.post('/hooks/claude', body, this.headers);
    assert.equal(answer.status, 200, `${name}: ${answer.text}`);
    return answer.json;
  }

  async hook(name, prompt, more = {}) {
    assert.deepEqual(await this.ask(name, prompt, more), {});
  }

  record(name, prompt, attributes) {
    const attribute = ([key, value]) => ({
      key, value: typeof value === 'number' ? { intValue: value } : { stringValue: String(value) },
    });
    const all = { 'session.id': this.session, 'prompt.id': prompt, 'event.name': name, 'event.sequence': this.sequence++, ...attributes };
    return { timeUnixNano: `${this.timeMs()}000000`, body: { stringValue: `claude_code.${name}` }, attributes: Object.entries(all).map(attribute) };
  }

  body(records) {
    const resource = this.env.OTEL_RESOURCE_ATTRIBUTES.split(',').map((pair) => pair.split('='))
      .map(([key, value]) => ({ key, value: { stringValue: decodeURIComponent(value) } }));
    return { resourceLogs: [{ resource: { attributes: resource }, scopeLogs: [{ scope: { name: 'com.anthropic.claude_code.events' }, logRecords: records }] }] };
  }

  async send(records, headers = this.headers) {
    const answer = await this.client.post('/v1/logs', this.body(records), headers);
    assert.equal(answer.status, 200, answer.text);
  }

  call(prompt, id, micros) {
    return this.record('api_request', prompt, { model: 'claude-opus-5-5', input_tokens: 100, output_tokens: 40, cache_read_tokens: 300,
      cache_creation_tokens: 20, cost_usd_micros: micros, duration_ms: 150, request_id: id, query_source: 'repl_main_thread' });
  }

  tool(prompt, id, success = true) {
    return this.record('tool_result', prompt, { tool_name: 'Bash', tool_use_id: id, success, duration_ms: '87' });
  }
}
