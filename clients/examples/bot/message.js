// npm run message -- TEXT [CHAT]: sends the bot a message as Linq does, with a signed webhook.
import { createHmac, randomUUID } from 'node:crypto';

const [text, chat = 'chat-1'] = process.argv.slice(2);
const secret = process.env.PICORTEX_LINQ_SECRET;
if (!text || !secret?.startsWith('whsec_')) {
  console.error('usage: PICORTEX_LINQ_SECRET=whsec_… npm run message -- TEXT [CHAT]\nThe secret is the one that the daemon was started with.');
  process.exit(2);
}
const id = randomUUID();
const seconds = Math.floor(Date.now() / 1000);
const body = JSON.stringify({
  api_version: 'v3', webhook_version: '2026-02-03', event_type: 'message.received', event_id: id, created_at: new Date().toISOString(),
  trace_id: randomUUID().replaceAll('-', ''), partner_id: 'example',
  data: { id: randomUUID(), direction: 'inbound', chat: { id: chat, is_group: false }, parts: [{ type: 'text', value: text }], service: 'iMessage' },
});
const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
const answer = await fetch(`http://127.0.0.1:${process.env.PORT ?? 3000}/webhook`, {
  method: 'POST', body,
  headers: { 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': `v1,${signature}` },
});
console.log(answer.status, await answer.text());
process.exit(answer.ok ? 0 : 1);
