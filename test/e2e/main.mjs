// Tests in a real VS Code: each is a function over one window. Words on the command line choose tests by name.
// RINGSIDE_PICTURES=1 rewrites docs/pictures.
import { tests as activation } from './activation.mjs';
import { tests as firstSteps } from './first-steps.mjs';
import { tests as language } from './language.mjs';
import { tests as projects } from './projects.mjs';
import { runTests } from './run.mjs';
import { tests as sessions } from './sessions.mjs';
import { tests as timeTravel } from './time-travel.mjs';
import { tests as views } from './views.mjs';

await runTests('a real VS Code', {
  ...activation,
  ...sessions,
  ...views,
  ...language,
  ...firstSteps,
  ...projects,
  ...timeTravel,
});
