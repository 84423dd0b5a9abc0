// Which Ringside session views look at, and whether it stands still.
import * as vscode from 'vscode';

/** `none`: there is no session. */
export type SessionState = 'none' | 'running' | 'stopped';

export interface SessionWatch extends vscode.Disposable {
  readonly session: vscode.DebugSession | undefined;
  readonly state: SessionState;
  /** Fires also when a stopped session has changed. */
  readonly onDidChange: vscode.Event<void>;
}

const RESUMING = new Set(['continue', 'next', 'stepIn', 'stepOut', 'stepBack', 'reverseContinue', 'goto', 'restart']);

interface Message {
  readonly type?: string;
  readonly event?: string;
  readonly command?: string;
  readonly success?: boolean;
}

export function watchSessions(debugType: string): SessionWatch {
  const states = new Map<string, SessionState>();
  const changed = new vscode.EventEmitter<void>();
  let session: vscode.DebugSession | undefined;
  const choose = (active: vscode.DebugSession | undefined): void => {
    if (active?.type !== debugType) return;
    session = active;
    changed.fire();
  };
  const set = (of: vscode.DebugSession, state: SessionState): void => {
    states.set(of.id, state);
    session ??= of;
    if (session.id === of.id) changed.fire();
  };
  const subscriptions = vscode.Disposable.from(
    changed,
    vscode.debug.onDidChangeActiveDebugSession(choose),
    vscode.debug.onDidTerminateDebugSession((ended) => {
      states.delete(ended.id);
      if (session?.id !== ended.id) return;
      session = vscode.debug.activeDebugSession?.type === debugType ? vscode.debug.activeDebugSession : undefined;
      if (session?.id === ended.id) session = undefined;
      changed.fire();
    }),
    vscode.debug.registerDebugAdapterTrackerFactory(debugType, {
      createDebugAdapterTracker: (of) => ({
        onWillStartSession: () => set(of, 'running'),
        onDidSendMessage(message: Message) {
          if (message.type === 'event' && message.event === 'stopped') set(of, 'stopped');
          else if (message.type === 'event' && message.event === 'continued') set(of, 'running');
          else if (message.type === 'event' && message.event === 'invalidated') changed.fire();
          else if (message.type === 'response' && message.success && RESUMING.has(message.command ?? ''))
            set(of, 'running');
        },
      }),
    }),
  );
  return {
    get session() {
      return session;
    },
    get state() {
      return session === undefined ? 'none' : (states.get(session.id) ?? 'running');
    },
    onDidChange: changed.event,
    dispose: () => subscriptions.dispose(),
  };
}
