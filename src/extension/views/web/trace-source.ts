// The file of a saved run, read in the page: it comes as bytes from the extension and answers what the view asks.

import { openSavedRun, type SavedRun } from '../../../debugger/views/saved-run.ts';
import { answerWith, complain } from './page.ts';

let run: SavedRun | undefined;

answerWith(async (name, body) => {
  if (run === undefined) throw new Error('The file is not read yet.');
  const answer = run.answer(name, body);
  if ('error' in answer) throw new Error(String(answer.error));
  return answer;
});

window.addEventListener('message', ({ data }: MessageEvent) => {
  if (data.kind !== 'file') return;
  open(data.bytes).catch(() => complain('This file is no saved run: it is not packed as a .vmtrace file is.'));
});

async function open(packed: Uint8Array<ArrayBuffer>): Promise<void> {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  const found = openSavedRun(new Uint8Array(await new Response(stream).arrayBuffer()));
  if ('error' in found) {
    complain(found.error);
    return;
  }
  run = found;
  window.postMessage({ kind: 'state', state: 'stopped', session: found.program }, '*');
}
