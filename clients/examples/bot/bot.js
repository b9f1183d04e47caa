// A small chat bot: Linq's webhook, a discriminator, an agent in tmux, and a page. What it does with each message can be
// read on picortex's page and with `picortex why`.
import { readFileSync } from 'node:fs';
import Fastify from 'fastify';
import picortex, { loggerOptions } from 'picortex/fastify';
import { runTurn } from './agent.js';
import { decide } from './discriminator.js';
import { forwardToDaemon } from './daemon.js';

const app = Fastify({ logger: loggerOptions() });
await app.register(picortex, { linq: true });

// Bodies stay text: the signature of a webhook is over its bytes.
app.addContentTypeParser(['application/json', 'text/plain'], { parseAs: 'string' }, (_request, body, done) => done(null, body));

// 200 means to Linq that the message is safe, so it is sent once the daemon has stored it; the turn goes on afterwards, in the
// context of this request.
app.post('/webhook', async (request, reply) => {
  const answer = await request.forwardLinqWebhook(request.body);
  if (answer.status !== 200) {
    request.log.warn({ event_type: 'bot.webhook_rejected', status: answer.status }, 'the daemon did not take the webhook');
    return reply.code(answer.status === 401 ? 401 : 503).send({ stored: false });
  }
  const { event_type, data } = JSON.parse(request.body);
  request.chatId = data?.chat?.id;
  if (event_type === 'message.received' && data.direction !== 'outbound' && !answer.duplicate) {
    handle(data, request.log).catch((error) => request.log.error({ err: error, event_type: 'bot.error' }, error.message));
  }
  return { stored: true, request_id: request.requestId };
});

async function handle(message, log) {
  const text = (message.parts ?? []).filter((part) => part.type === 'text').map((part) => part.value).join('\n');
  const decision = decide({ text, isGroup: message.chat.is_group === true });
  log.info({ event_type: 'discriminator.decision', ...decision }, decision.reason);
  if (decision.decision === 'skip') return;
  const answer = await runTurn({ chat: message.chat.id, text, log });
  // A real bot sends the answer with Linq's API here.
  log.info({ event_type: 'bot.reply', bytes: Buffer.byteLength(answer) }, answer.slice(0, 500));
}

// The page loads picortex.js and posts its errors through the bot, so that everything has one origin.
const page = readFileSync(new URL('page.html', import.meta.url));
const POLICY = 'default-src \'none\'; script-src \'self\'; connect-src \'self\'; style-src \'self\'';
app.get('/', (_request, reply) => reply.type('text/html; charset=utf-8').header('content-security-policy', POLICY).send(page));
const script = readFileSync(new URL('page.js', import.meta.url));
app.get('/page.js', (_request, reply) => reply.type('text/javascript; charset=utf-8').send(script));
app.get('/picortex.js', forwardToDaemon);
app.post('/api/frontend-log', forwardToDaemon);

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => app.close().then(() => process.exit(0)));  // delivers what is logged first
}
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) });
