// Control words that are written without regard to what the processor wants.
import { vmcsFieldByEncoding } from '../../spec/vmcs-fields.ts';
import { hexH } from '../fact-hover.ts';
import type { Happened } from '../flow/happened.ts';
import { wordOfField } from '../names.ts';
import { type Events, WORDS } from './events.ts';
import { type Finding, type LintContext, nameOf } from './finding.ts';

export function* controlFindings(
  { accesses, graph }: LintContext,
  happened: Happened | undefined,
  events: Events,
): Generator<Finding> {
  for (const { statement, order, write, field: number, value } of accesses) {
    if (!write || number === undefined || number.value > 0xffffn) continue;
    const field = vmcsFieldByEncoding(Number(number.value));
    const word = field === undefined ? undefined : wordOfField(field);
    const row = WORDS.find((one) => one.word === word);
    if (field === undefined || row === undefined) continue;
    const before = happened?.[graph.byOrder[order]!] ?? -1;
    const read = before < 0 ? (events.anywhere & row.bit) !== 0 : ((before | events.tables) & row.bit) !== 0;
    if (value === undefined && read) continue;
    yield {
      rule: 'unadjusted-controls',
      range: nameOf(statement),
      statement,
      message: `“${field.name}” gets ${value === undefined ? 'a value' : hexH(value.value)} without regard to its capability MSR (${row.msrs.map(hexH).join(' or ')}): bits that the processor wants 1 or 0 make VM entry fail`,
    };
  }
}
