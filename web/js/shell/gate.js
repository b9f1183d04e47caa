// The gate: asks for the daemon's token, which this tab keeps until it is closed.

import { $ } from '../base/dom.js';
import { forgetToken, hasToken, keepToken, tryToken, whenTokenRejected } from '../base/ask.js';

let handlers = { onOpen: () => {}, onClose: () => {} };

// Nothing that was read stays on the screen.
function close(error = '') {
  forgetToken();
  $('app').hidden = true;
  $('gate').hidden = false;
  handlers.onClose();
  $('token-error').textContent = error;
  $('token-error').hidden = error === '';
  $('token').focus();
}

function open() {
  $('gate').hidden = true;
  $('app').hidden = false;
  handlers.onOpen();
}

$('token-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const secret = $('token').value.trim();
  const button = event.target.querySelector('button');
  button.disabled = true;
  try {
    await tryToken(secret);
    keepToken(secret);
    $('token').value = '';
    open();
  } catch (error) {
    $('token-error').textContent = error.status === 401 ? 'That is not the token.' : `The daemon does not answer: ${error.message}`;
    $('token-error').hidden = false;
    $('token').select();
  } finally {
    button.disabled = false;
  }
});

$('forget').addEventListener('click', () => close());

// onOpen() is called once a token is there, onClose() when it is not any more.
export function startGate(callbacks) {
  handlers = callbacks;
  whenTokenRejected(() => hasToken() && close('The token is not valid any more.'));
  if (hasToken()) open();
  else close();
}
