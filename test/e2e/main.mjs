// Tests in a real VS Code: each is a function over one window; the first failure of a test does not stop the next.
import { say } from '../../scripts/lib/run.mjs';
import { tests } from './sessions.mjs';
import { openWindow } from './window.mjs';

let failed = 0;
const window = await openWindow();
try {
  for (const [name, test] of Object.entries(tests)) {
    const start = Date.now();
    try {
      await test(window);
      say(`passed  ${name} (${Date.now() - start} ms)`);
    } catch (error) {
      failed++;
      say(`FAILED  ${name}: ${error instanceof Error ? error.stack : error}`);
      await window.keepFailure(name.replace(/\W+/g, '-'));
    }
  }
} finally {
  await window.close();
}
say(`${Object.keys(tests).length - failed} of ${Object.keys(tests).length} tests in a real VS Code passed`);
process.exit(failed === 0 ? 0 : 1);
