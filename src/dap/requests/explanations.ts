// ringside/audit, ringside/walk, ringside/why, ringside/exitStatistics: the explanations as data, with their text.

import { auditText, sourceProblems, writersOf } from '../../debugger/checks.ts';
import { hex } from '../../debugger/format.ts';
import { statisticsReport, statisticsText } from '../../debugger/statistics.ts';
import { walkAddress } from '../../debugger/walk.ts';
import { walkArguments } from '../../debugger/walk-arguments.ts';
import { walkText } from '../../debugger/walk-text.ts';
import { splitWords } from '../../debugger/console/words.ts';
import { whyHere } from '../../debugger/why/here.ts';
import { whyText } from '../../debugger/why/text.ts';
import { type Arguments, optionalInteger, optionalText, text } from '../arguments.ts';
import { type Answer, type Connection, contextOfFrame, type Handler, stopped } from '../connection.ts';
import { expressionFailed } from '../errors.ts';
import type { AuditBody, ExitStatisticsBody, WalkBody, WhyBody } from '../protocol.ts';

/** 64-bit numbers as texts, for JSON. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? hex(part) : part)));
}

function audit(connection: Connection, args: Arguments): Answer {
  const { machine, image } = stopped(connection, args.command);
  const found = machine.auditVmcs();
  const vmcs = machine.currentVmcs();
  if (found === undefined || vmcs === undefined) {
    return { body: { text: 'There is no current VMCS: VMPTRLD makes one current.', problems: [] } satisfies AuditBody };
  }
  const writers = writersOf(machine);
  return {
    body: {
      text: auditText(found, `The current VMCS (${hex(vmcs)})`, writers, image),
      audit: plain(found),
      problems: sourceProblems(found.failed, writers, image, undefined),
    } satisfies AuditBody,
  };
}

function walk(connection: Connection, args: Arguments): Answer {
  const debuggee = stopped(connection, args.command);
  const context = contextOfFrame(debuggee, optionalInteger(args, 'frameId'));
  const found = walkArguments(splitWords(text(args, 'expression')), context);
  if (!found.ok) throw expressionFailed(found.error, false);
  const walked = walkAddress(debuggee.machine, found.request.start, found.request.access);
  return { body: { text: walkText(walked), walk: plain(walked) } satisfies WalkBody };
}

function why(connection: Connection, args: Arguments): Answer {
  const debuggee = stopped(connection, args.command);
  const context = contextOfFrame(debuggee, optionalInteger(args, 'frameId'));
  const result = whyHere(
    debuggee.machine,
    context,
    optionalText(args, 'expression') ?? '',
    debuggee.session.steppedFrom,
  );
  if (!result.ok) throw expressionFailed(result.error, false);
  return { body: { text: whyText(result.answer), answer: plain(result.answer) } satisfies WhyBody };
}

function exitStatistics(connection: Connection, args: Arguments): Answer {
  const { machine, image } = stopped(connection, args.command);
  const report = statisticsReport(machine, image);
  return { body: { text: statisticsText(report), report: plain(report) } satisfies ExitStatisticsBody };
}

export const EXPLANATION_REQUESTS = {
  'ringside/audit': audit,
  'ringside/walk': walk,
  'ringside/why': why,
  'ringside/exitStatistics': exitStatistics,
} satisfies Record<string, Handler>;
