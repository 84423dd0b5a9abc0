// The open documents, the files that they include, and the programs that they make up.
import { isIncludeFile } from './diagnostics.ts';
import { insideUri, outsideUri, resolvePath } from './place.ts';
import { type Program, type ProgramCache, analyseProgram, createProgramCache } from './program.ts';
import type { Launch } from './protocol.ts';
import { DEFAULT_SETTINGS, type Settings, withLaunch } from './settings.ts';

export interface FileHost {
  /** Text of a file by its URI as the client writes it; undefined: there is none. */
  readFile(uri: string): Promise<string | undefined>;
  /** URIs of the sources in the workspace's folders. */
  sources(): Promise<readonly string[]>;
}

interface Entry {
  program: Program | undefined;
  readonly cache: ProgramCache;
}

export interface Workspace {
  readonly host: FileHost;
  settings: Settings;
  /** Launch configurations by the decoded URI of their program, and the settings that they make of those above. */
  launches: ReadonlyMap<string, Launch>;
  readonly launched: Map<string, { readonly from: Settings; readonly launch: Launch; readonly settings: Settings }>;
  /** Texts by decoded URI: open documents, and what was read of others (undefined: not found). */
  readonly open: Map<string, string>;
  readonly read: Map<string, string | undefined>;
  readonly programs: Map<string, Entry>;
  /** Main files by the file that they include. */
  readonly includers: Map<string, Set<string>>;
  /** Files that an analysis asked for and that are not read yet. */
  readonly wanted: Set<string>;
  /** Reading that is under way. */
  loading: Promise<boolean> | undefined;
  scanned: boolean;
}

export function createWorkspace(host: FileHost): Workspace {
  return {
    host,
    settings: DEFAULT_SETTINGS,
    launches: new Map(),
    launched: new Map(),
    open: new Map(),
    read: new Map(),
    programs: new Map(),
    includers: new Map(),
    wanted: new Set(),
    loading: undefined,
    scanned: false,
  };
}

/** The main file of the program that a file is part of: itself, or the one that includes it. */
export function rootOf(w: Workspace, uri: string): string {
  const roots = [...(w.includers.get(uri) ?? [])].filter((root) => root !== uri);
  if (roots.length === 0) return uri;
  if (!isIncludeFile(uri) && w.open.has(uri) && roots.every((root) => !w.open.has(root))) return uri;
  return roots.find((root) => w.open.has(root)) ?? roots.sort()[0]!;
}

/** The program of a file, analysed anew if a text of it changed. */
export function programOf(w: Workspace, uri: string): { readonly program: Program; readonly file: number } | undefined {
  const inside = insideUri(uri);
  if (!w.open.has(inside) && w.read.get(inside) === undefined) return undefined;
  const root = rootOf(w, inside);
  const program = analysed(w, root);
  const file = fileIndex(program, inside);
  if (file !== undefined) return { program, file };
  if (root === inside) return undefined;
  // The main file does not include it any more.
  w.includers.get(inside)?.delete(root);
  return programOf(w, uri);
}

export function fileIndex(program: Program, uri: string): number | undefined {
  const own = program.files.get(uri);
  if (own !== undefined) return own;
  for (const [path, index] of program.files) if (resolvePath(program.root, path) === uri) return index;
  return undefined;
}

/** The settings that hold for a program. The same object while nothing changes: an analysis goes by it. */
export function settingsOf(w: Workspace, root: string): Settings {
  const launch = w.launches.get(root);
  if (launch === undefined) return w.settings;
  const known = w.launched.get(root);
  if (known?.from === w.settings && known.launch === launch) return known.settings;
  const settings = withLaunch(w.settings, launch);
  w.launched.set(root, { from: w.settings, launch, settings });
  return settings;
}

function analysed(w: Workspace, root: string): Program {
  let entry = w.programs.get(root);
  if (entry === undefined) {
    entry = { program: undefined, cache: createProgramCache() };
    w.programs.set(root, entry);
  }
  if (entry.program === undefined) {
    const texts = (path: string): string | undefined => {
      const uri = resolvePath(root, path);
      const text = w.open.get(uri);
      if (text !== undefined) return text;
      if (!w.read.has(uri)) w.wanted.add(uri);
      return w.read.get(uri);
    };
    entry.program = analyseProgram(root, texts, settingsOf(w, root), entry.cache);
    for (const path of entry.program.files.keys()) {
      const uri = resolvePath(root, path);
      const known = w.includers.get(uri);
      if (known === undefined) w.includers.set(uri, new Set([root]));
      else known.add(root);
    }
  }
  return entry.program;
}

/** A text changed: programs with this file are analysed again when somebody asks. Their roots. */
export function touch(w: Workspace, uri: string): readonly string[] {
  const roots: string[] = [];
  for (const [root, entry] of w.programs) {
    const program = entry.program;
    if (program === undefined || root === uri || fileIndex(program, uri) !== undefined || w.wanted.has(uri)) {
      entry.program = undefined;
      roots.push(root);
    }
  }
  return roots;
}

export function touchAll(w: Workspace): void {
  for (const entry of w.programs.values()) entry.program = undefined;
}

/** Reads the files that analyses asked for. True: there were some, so that programs changed. */
export async function loadWanted(w: Workspace): Promise<boolean> {
  const before = (await w.loading) ?? false;
  if (w.wanted.size === 0) return before;
  w.loading = readWanted(w);
  const found = await w.loading;
  w.loading = undefined;
  return found || before;
}

async function readWanted(w: Workspace): Promise<boolean> {
  const wanted = [...w.wanted];
  w.wanted.clear();
  let found = false;
  await Promise.all(
    wanted.map(async (uri) => {
      const text = await w.host.readFile(outsideUri(uri, uri));
      w.read.set(uri, text);
      if (text !== undefined) found = true;
    }),
  );
  if (found) touchAll(w);
  return found;
}

const INCLUDE = /^[ \t]*%include[ \t]+["'`<]?([^"'`>\r\n]+)/gim;

/** Looks through the workspace's sources for who includes whom, once; an include file needs it to find its program. */
export async function scanSources(w: Workspace): Promise<void> {
  if (w.scanned) return;
  w.scanned = true;
  const sources = (await w.host.sources()).map(insideUri).slice(0, 2000);
  const includes = new Map<string, Set<string>>();
  for (const uri of sources) {
    const text = w.open.get(uri) ?? w.read.get(uri) ?? (await w.host.readFile(outsideUri(uri, uri)));
    if (text === undefined) continue;
    w.read.set(uri, text);
    const targets = new Set<string>();
    for (const match of text.matchAll(INCLUDE)) targets.add(resolvePath(uri, match[1]!.trim()));
    includes.set(uri, targets);
  }
  for (const root of sources.filter((uri) => !isIncludeFile(uri))) {
    const reached = new Set<string>();
    const queue = [root];
    for (let uri = queue.pop(); uri !== undefined; uri = queue.pop()) {
      for (const target of includes.get(uri) ?? []) {
        if (reached.has(target)) continue;
        reached.add(target);
        queue.push(target);
      }
    }
    for (const uri of reached) {
      const known = w.includers.get(uri);
      if (known === undefined) w.includers.set(uri, new Set([root]));
      else known.add(root);
    }
  }
}
