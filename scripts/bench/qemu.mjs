// The yardstick: the same image in QEMU (TCG). Times are CPU time of the thread that worked most, which is the vCPU's.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

function threadTimes(pid) {
  const times = new Map();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      times.set(thread, Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]) / 1e6);
    } catch {
      // The thread ended meanwhile.
    }
  }
  return times;
}

/** Milliseconds between the markers 0 and =, or undefined when QEMU or /proc is missing. */
export function runQemu(image, args) {
  return new Promise((resolve) => {
    const options = [
      '-accel',
      'tcg',
      '-cpu',
      'max',
      '-m',
      '128',
      '-display',
      'none',
      '-no-reboot',
      '-kernel',
      image,
      '-append',
      args,
    ];
    const child = spawn(
      'qemu-system-x86_64',
      [...options, '-debugcon', 'stdio', '-monitor', 'none', '-serial', 'none'],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    let from;
    child.on('error', () => resolve(undefined));
    child.on('exit', () => resolve(undefined));
    child.stdout.on('data', (bytes) => {
      try {
        const text = bytes.toString('latin1');
        const now = threadTimes(child.pid);
        if (from === undefined && text.includes('0')) from = now;
        if (!text.includes('=')) return;
        const spent = [...now].map(([thread, time]) => time - (from?.get(thread) ?? 0));
        resolve(Math.max(...spent));
      } catch {
        resolve(undefined);
      }
      child.removeAllListeners('exit');
      child.kill();
    });
  });
}
