// The commands of the debug console, in the order of `help`.

import { EXPLAIN } from './explain.ts';
import { HELP } from './help.ts';
import type { Command } from './types.ts';

export const COMMANDS: readonly Command[] = [EXPLAIN, HELP];
