// Runs tests in one window: a test that fails does not stop the next.
import { say } from '../../scripts/lib/run.mjs';
import { endSession, openWindow } from './window.mjs';

/** Runs one test, and leaves the window without a session. */
async function passes(window, name, test) {
  const start = Date.now();
  const fail = async (part, error) => {
    say(`failed  ${part}: ${error instanceof Error ? error.stack : error}`);
    await window.keepFailure(part.replace(/\W+/g, '-'));
    return false;
  };
  const passed = await test(window).then(
    () => true,
    (error) => fail(name, error),
  );
  const ended = await endSession(window).then(
    () => true,
    (error) => fail(`${name}, its end`, error),
  );
  if (passed && ended) say(`passed  ${name} (${Date.now() - start} ms)`);
  return passed && ended;
}

/**
 * Runs the tests whose names have every word of the command line in them, and ends the process.
 * @param {string} where the kind of VS Code, for the last line
 * @param {Record<string, (window: object) => Promise<void>>} tests
 * @param {object} [options] of `open`
 * @param {(options?: object) => Promise<object>} [open] openWindow, or one like it
 */
export async function runTests(where, tests, options, open = openWindow) {
  const words = process.argv.slice(2);
  const chosen = Object.entries(tests).filter(([name]) => words.every((word) => name.includes(word)));
  let failed = 0;
  const window = { ...(await open(options)), oneTheme: options?.oneTheme };
  try {
    for (const [name, test] of chosen) {
      if (!(await passes(window, name, test))) {
        // A window under load loses a click now and then: what fails must fail twice, and the first time is told.
        say(`again   ${name}`);
        if (!(await passes(window, name, test))) failed++;
      }
    }
  } finally {
    await window.close();
  }
  say(`${chosen.length - failed} of ${chosen.length} tests in ${where} passed`);
  process.exit(failed === 0 && chosen.length > 0 ? 0 : 1);
}
