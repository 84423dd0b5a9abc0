// stats: what the VM exits cost so far. exits: the last of them.

import { exitReasonTitle } from '../facts.ts';
import { plural } from '../format.ts';
import { statisticsCsv, statisticsJson, statisticsReport, statisticsText } from '../statistics.ts';
import type { Command, CommandAnswer, CommandArguments, CommandContext } from './types.ts';

const MOST_PLACES = 100_000;

export const STATS: Command = {
  name: 'stats',
  usage: 'stats [all|csv|json]',
  summary: 'VM exits by reason and by guest RIP: count, share, and instructions in the handler',
  help: 'Instructions are counted from the VM exit to the next VM entry. "all" lists every place, csv and json are for other programs.',
  complete: ({ words }) =>
    words.length > 0
      ? []
      : ['all', 'csv', 'json'].map((label) => ({ label, kind: 'keyword' as const, detail: undefined })),
  run: stats,
};

function stats({ session }: CommandContext, { words }: CommandArguments): CommandAnswer {
  const report = statisticsReport(session.machine, session.image);
  const [form] = words;
  switch (form?.toLowerCase()) {
    case undefined:
      return statisticsText(report);
    case 'all':
      return statisticsText(report, MOST_PLACES);
    case 'csv':
      return statisticsCsv(report);
    case 'json':
      return statisticsJson(report);
    default:
      return { error: `"${form}" is none of all, csv, json.` };
  }
}

export const EXITS: Command = {
  name: 'exits',
  usage: 'exits',
  summary: 'how many VM exits there were, by reason, in one line each',
  help: 'stats says more.',
  run: ({ session }) => {
    const { reasons, exits } = statisticsReport(session.machine, session.image);
    if (exits === 0) return 'There was no VM exit yet.';
    const width = String(exits).length;
    const rows = reasons.map(
      ({ count, reason }) => `${String(count).padStart(width)}  ${exitReasonTitle(reason)} (${reason})`,
    );
    return [...rows, plural(exits, 'VM exit')].join('\n');
  },
};
