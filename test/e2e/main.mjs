// Tests in a real VS Code: each is a function over one window; the first failure of a test does not stop the next.
// Words on the command line choose tests by name. RINGSIDE_PICTURES=1 rewrites docs/pictures.
import { say } from '../../scripts/lib/run.mjs';
import { tests as language } from './language.mjs';
import { tests as sessions } from './sessions.mjs';
import { tests as views } from './views.mjs';
import { endSession, openWindow } from './window.mjs';

const words = process.argv.slice(2);
const tests = { ...sessions, ...views, ...language };
const chosen = Object.entries(tests).filter(([name]) => words.every((word) => name.includes(word)));
let failed = 0;
const window = await openWindow();
try {
  for (const [name, test] of chosen) {
    const start = Date.now();
    try {
      await test(window);
      say(`passed  ${name} (${Date.now() - start} ms)`);
    } catch (error) {
      failed++;
      say(`FAILED  ${name}: ${error instanceof Error ? error.stack : error}`);
      await window.keepFailure(name.replace(/\W+/g, '-'));
    }
    await endSession(window.page);
  }
} finally {
  await window.close();
}
say(`${chosen.length - failed} of ${chosen.length} tests in a real VS Code passed`);
process.exit(failed === 0 && chosen.length > 0 ? 0 : 1);
