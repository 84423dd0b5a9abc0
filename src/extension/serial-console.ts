// The machine's serial port COM1 as a terminal: what the guest or the hypervisor prints, and what the user types.
import * as vscode from 'vscode';

/** Body of the adapter's `ringside/console` event and of the `ringside/input` request: bytes as base64. */
interface ConsoleBytes {
  readonly data: string;
  /** The machine went back in time: these are all the bytes that the console holds. */
  readonly rewound?: boolean;
}

/** Clears the terminal and what was scrolled out of it. */
const CLEAR = '\x1b[2J\x1b[3J\x1b[H';

interface OpenConsole {
  readonly terminal: vscode.Terminal;
  write(text: string): void;
  end(): void;
}

function openConsole(session: vscode.DebugSession): OpenConsole {
  const output = new vscode.EventEmitter<string>();
  const early: string[] = [];
  let opened = false;
  const write = (text: string): void => {
    if (opened) output.fire(text);
    else early.push(text);
  };
  const terminal = vscode.window.createTerminal({
    name: `COM1: ${session.name}`,
    iconPath: new vscode.ThemeIcon('terminal'),
    pty: {
      onDidWrite: output.event,
      open() {
        opened = true;
        for (const text of early.splice(0)) output.fire(text);
      },
      close() {
        opened = false;
      },
      handleInput(text: string) {
        const body: ConsoleBytes = { data: btoa(String.fromCharCode(...new TextEncoder().encode(text))) };
        session.customRequest('ringside/input', body).then(undefined, (error: unknown) => {
          write(`\r\n[input was not taken: ${error instanceof Error ? error.message : String(error)}]\r\n`);
        });
      },
    },
  });
  return { terminal, write, end: () => write('\r\n[session ended]\r\n') };
}

/** Opens a terminal with the first byte that a session's COM1 sends, without taking the focus. */
export function serialConsoles(debugType: string): vscode.Disposable {
  const open = new Map<string, OpenConsole>();
  return vscode.Disposable.from(
    vscode.debug.onDidReceiveDebugSessionCustomEvent((event) => {
      if (event.session.type !== debugType || event.event !== 'ringside/console') return;
      let serial = open.get(event.session.id);
      if (!serial) {
        serial = openConsole(event.session);
        open.set(event.session.id, serial);
        serial.terminal.show(true);
      }
      const { data, rewound } = event.body as ConsoleBytes;
      const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
      if (rewound === true) serial.write(CLEAR);
      serial.write(new TextDecoder().decode(bytes).replace(/\r?\n/g, '\r\n'));
    }),
    vscode.debug.onDidTerminateDebugSession((session) => {
      open.get(session.id)?.end();
      open.delete(session.id);
    }),
    vscode.window.onDidCloseTerminal((terminal) => {
      for (const [id, serial] of open) if (serial.terminal === terminal) open.delete(id);
    }),
  );
}
