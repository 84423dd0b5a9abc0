// The clock of the benchmarks.
import { readFileSync } from 'node:fs';

/** CPU time of the main thread in milliseconds; where there is no /proc, of the process. */
export function cpuTime(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[0]) / 1e6;
  } catch {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  }
}
