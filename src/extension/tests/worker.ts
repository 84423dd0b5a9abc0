// Tests in the machine's worker, one a request as it is one process on the desktop: a cancelled one is ended in the middle of a test.
import type * as vscode from 'vscode';
import { startWorker } from '../worker.ts';
import type { TestRunner } from './runner.ts';

export function testWorker(extension: vscode.Uri): TestRunner {
  return async (request, root, onEvent, token) => {
    let end: (problem: string) => void = () => {};
    const ended = new Promise<string>((resolve) => {
      end = resolve;
    });
    try {
      const worker = await startWorker(extension, root, {
        said(message) {
          if (message.kind === 'test') onEvent(message.event);
          if (message.kind === 'tested') end(message.problem);
        },
        failed: end,
      });
      const cancelled = token.onCancellationRequested(() => end('It was cancelled.'));
      if (token.isCancellationRequested) end('It was cancelled.');
      else worker.post({ kind: 'tests', request });
      const problem = await ended;
      cancelled.dispose();
      worker.terminate();
      return problem;
    } catch (problem) {
      return problem instanceof Error ? problem.message : String(problem);
    }
  };
}
