// Where the processor is, in the status bar while a session stands still: ring, operation, mode, instruction count, position in history.
import * as vscode from 'vscode';
import type { MachineView } from '../debugger/views/machine.ts';
import type { SessionWatch } from './views/session-state.ts';

export function statusBar(watch: SessionWatch): vscode.Disposable {
  const item = vscode.window.createStatusBarItem('ringside.machine', vscode.StatusBarAlignment.Left, 0);
  item.name = 'Ringside: machine';
  item.command = 'ringside.showMachine';
  const refresh = async (): Promise<void> => {
    const { session, state } = watch;
    if (session === undefined || state === 'none') return item.hide();
    if (state === 'running') {
      item.text = '$(circuit-board) running';
      item.tooltip = 'Ringside: the machine is running';
      return item.show();
    }
    const machine: MachineView = await session.customRequest('ringside/machine');
    const [cpu] = machine.processors;
    if (cpu === undefined) return item.hide();
    const time = machine.time.toLocaleString('en');
    const back = machine.last > machine.time;
    const count = back ? `$(history) ${time} of ${machine.last.toLocaleString('en')}` : time;
    item.text = `$(circuit-board) ring ${cpu.ring}, ${cpu.operation}, ${count} instructions`;
    item.tooltip = `${cpu.name}: ${cpu.operation}, ring ${cpu.ring}, ${cpu.mode}\n${cpu.at}\n${time} instructions${back ? `; you went back from ${machine.last.toLocaleString('en')}` : ''}`;
    item.show();
  };
  // The session may go on before it answers: the next change shows that.
  const subscription = watch.onDidChange(() => void refresh().catch(() => undefined));
  return vscode.Disposable.from(item, subscription);
}
