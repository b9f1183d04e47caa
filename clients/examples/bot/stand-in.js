// Takes the place of Claude Code where it is not installed: reads a prompt, reports that it works on it, and answers.
import { text } from 'node:stream/consumers';
import { inheritedTurn } from 'picortex/turn';
import { defaultClient } from 'picortex/client';

const prompt = (await text(process.stdin)).trim();
// PICORTEX_REQUEST_ID and PICORTEX_CHAT_ID came through tmux and `picortex run`.
inheritedTurn()?.emit({ event_type: 'agent.work', msg: `the stand-in reads ${prompt.length} characters` });
console.log(`You asked: ${prompt}\nI am a stand-in, and cannot do it.`);
await defaultClient().close();
