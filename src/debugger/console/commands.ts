// The commands of the debug console, in the order of `help`.

import { AUDIT } from './audit.ts';
import { EXPLAIN } from './explain.ts';
import { HELP } from './help.ts';
import { EXITS, STATS } from './statistics.ts';
import type { Command } from './types.ts';
import { WALK } from './walk.ts';
import { WHY } from './why.ts';

export const COMMANDS: readonly Command[] = [EXPLAIN, AUDIT, WHY, WALK, STATS, EXITS, HELP];
