// Every request that is answered, by name.

import type { Handler } from '../connection.ts';
import { BREAKPOINT_REQUESTS } from './breakpoints.ts';
import { DATA_BREAKPOINT_REQUESTS } from './data-breakpoints.ts';
import { EVALUATION_REQUESTS } from './evaluation.ts';
import { EXECUTION_REQUESTS } from './execution.ts';
import { EXPLANATION_REQUESTS } from './explanations.ts';
import { HISTORY_REQUESTS } from './history.ts';
import { LANGUAGE_REQUESTS } from './language.ts';
import { LIFECYCLE_REQUESTS } from './lifecycle.ts';
import { MEMORY_REQUESTS } from './memory.ts';
import { MEMORY_VIEW_REQUESTS } from './memory-view.ts';
import { SNAPSHOT_REQUESTS } from './snapshots.ts';
import { SOURCE_REQUESTS } from './sources.ts';
import { STACK_REQUESTS } from './stack.ts';
import { TARGET_REQUESTS } from './targets.ts';
import { VARIABLE_REQUESTS } from './variables.ts';
import { VIEW_REQUESTS } from './views.ts';

const REQUESTS = new Map<string, Handler>(
  Object.entries<Handler>({
    ...LIFECYCLE_REQUESTS,
    ...EXECUTION_REQUESTS,
    ...HISTORY_REQUESTS,
    ...SNAPSHOT_REQUESTS,
    ...BREAKPOINT_REQUESTS,
    ...DATA_BREAKPOINT_REQUESTS,
    ...STACK_REQUESTS,
    ...VARIABLE_REQUESTS,
    ...EVALUATION_REQUESTS,
    ...MEMORY_REQUESTS,
    ...MEMORY_VIEW_REQUESTS,
    ...EXPLANATION_REQUESTS,
    ...SOURCE_REQUESTS,
    ...TARGET_REQUESTS,
    ...VIEW_REQUESTS,
    ...LANGUAGE_REQUESTS,
  }),
);

export function handlerOf(command: string): Handler | undefined {
  return REQUESTS.get(command);
}

export function requestNames(): string[] {
  return [...REQUESTS.keys()];
}
