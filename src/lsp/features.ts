// The features that the server offers: each announces its capabilities and answers its requests.
import { ResponseError } from 'vscode-languageserver';
import { incomingCalls, outgoingCalls, prepareCallHierarchy } from './call-hierarchy.ts';
import { completion, resolveCompletion } from './completion.ts';
import { documentLinks } from './document-links.ts';
import type { Feature, FeatureContext } from './feature.ts';
import { foldingRanges } from './folding.ts';
import { formatOnType, formatText } from './format.ts';
import { hover } from './hover.ts';
import { inlayHints } from './inlay-hints.ts';
import { definition, highlights, prepareRename, references, rename } from './navigation.ts';
import { insideUri } from './place.ts';
import { processorOf } from './processor.ts';
import { type Program, entitiesOf } from './program.ts';
import { quickFixes } from './quick-fixes.ts';
import { LEGEND, semanticEdits, semanticTokens } from './semantic-tokens.ts';
import { exitHints } from './session.ts';
import { signatureHelp } from './signature-help.ts';
import { documentSymbols, workspaceSymbols } from './symbols.ts';

const hovers: Feature = {
  capabilities: { hoverProvider: true },
  register: ({ connection, find, session }) =>
    connection.onHover(async ({ textDocument, position }) => {
      const found = await find(textDocument.uri);
      return found === undefined ? null : (hover(found.program, found.file, position, session()?.registers) ?? null);
    }),
};

const navigation: Feature = {
  capabilities: {
    definitionProvider: true,
    referencesProvider: true,
    documentHighlightProvider: true,
    renameProvider: { prepareProvider: true },
    documentLinkProvider: {},
    callHierarchyProvider: true,
  },
  register({ connection, find }) {
    connection.onDefinition(async ({ textDocument, position }) => {
      const found = await find(textDocument.uri);
      return found === undefined ? [] : definition(found.program, found.file, position);
    });
    connection.onReferences(async ({ textDocument, position, context }) => {
      const found = await find(textDocument.uri);
      return found === undefined ? [] : references(found.program, found.file, position, context.includeDeclaration);
    });
    connection.onDocumentHighlight(async ({ textDocument, position }) => {
      const found = await find(textDocument.uri);
      return found === undefined ? [] : highlights(found.program, found.file, position);
    });
    connection.onPrepareRename(async ({ textDocument, position }) => {
      const found = await find(textDocument.uri);
      return found === undefined ? null : (prepareRename(found.program, found.file, position) ?? null);
    });
    connection.onRenameRequest(async ({ textDocument, position, newName }) => {
      const found = await find(textDocument.uri);
      if (found === undefined) return null;
      const edit = rename(found.program, found.file, position, newName);
      return typeof edit === 'string' ? new ResponseError(REQUEST_FAILED, edit) : edit;
    });
    connection.onDocumentLinks(async ({ textDocument }) => {
      const found = await find(textDocument.uri);
      return found === undefined ? [] : documentLinks(found.program, found.file);
    });
    connection.languages.callHierarchy.onPrepare(async ({ textDocument, position }) => {
      const found = await find(textDocument.uri);
      return found === undefined ? [] : prepareCallHierarchy(found.program, found.file, position);
    });
    connection.languages.callHierarchy.onIncomingCalls(async ({ item }) => {
      const found = await find(item.uri);
      return found === undefined ? [] : incomingCalls(found.program, item.name);
    });
    connection.languages.callHierarchy.onOutgoingCalls(async ({ item }) => {
      const found = await find(item.uri);
      return found === undefined ? [] : outgoingCalls(found.program, item.name);
    });
  },
};

/** The protocol's code for a request that is understood and cannot be carried out. */
const REQUEST_FAILED = -32803;

const outline: Feature = {
  capabilities: { documentSymbolProvider: true, workspaceSymbolProvider: true, foldingRangeProvider: true },
  register({ connection, find, workspace }) {
    connection.onDocumentSymbol(async ({ textDocument }) => {
      const found = await find(textDocument.uri);
      return found === undefined ? [] : documentSymbols(found.program, found.file);
    });
    connection.onWorkspaceSymbol(({ query }) => {
      const programs = [...workspace.programs.values()].flatMap((e) => (e.program === undefined ? [] : [e.program]));
      return workspaceSymbols(programs, query);
    });
    connection.onFoldingRanges(({ textDocument }) => foldingRanges(textOf(workspace, textDocument.uri)));
  },
};

const textOf = (workspace: FeatureContext['workspace'], uri: string): string =>
  workspace.open.get(insideUri(uri)) ?? '';

const colours: Feature = {
  capabilities: { semanticTokensProvider: { legend: LEGEND, range: true, full: { delta: true } } },
  register({ connection, find }) {
    const last = new Map<string, { readonly id: string; readonly data: number[] }>();
    let count = 0;
    const remember = (uri: string, data: number[]): string => {
      const id = String(++count);
      if (last.size > 50) last.clear();
      last.set(uri, { id, data });
      return id;
    };
    connection.languages.semanticTokens.on(async ({ textDocument }) => {
      const found = await find(textDocument.uri);
      const data = found === undefined ? [] : semanticTokens(found.program, found.file);
      return { resultId: remember(textDocument.uri, data), data };
    });
    connection.languages.semanticTokens.onDelta(async ({ textDocument, previousResultId }) => {
      const found = await find(textDocument.uri);
      const data = found === undefined ? [] : semanticTokens(found.program, found.file);
      const before = last.get(textDocument.uri);
      const resultId = remember(textDocument.uri, data);
      return before?.id === previousResultId
        ? { resultId, edits: semanticEdits(before.data, data) }
        : { resultId, data };
    });
    connection.languages.semanticTokens.onRange(async ({ textDocument, range }) => {
      const found = await find(textDocument.uri);
      const data =
        found === undefined ? [] : semanticTokens(found.program, found.file, range.start.line + 1, range.end.line + 1);
      return { data };
    });
  },
};

const writing: Feature = {
  capabilities: {
    completionProvider: { triggerCharacters: ['%', '.', ' ', ',', '['], resolveProvider: true },
    signatureHelpProvider: { triggerCharacters: [' ', ',', '('], retriggerCharacters: [','] },
    codeActionProvider: { codeActionKinds: ['quickfix'] },
  },
  register({ connection, find, workspace }) {
    let latest: Program | undefined;
    connection.onCompletion(async ({ textDocument, position }) => {
      const found = await find(textDocument.uri);
      latest = found?.program;
      return found === undefined ? [] : completion(found.program, found.file, position);
    });
    connection.onCompletionResolve((item) =>
      resolveCompletion(latest, item, processorOf(latest?.settings ?? workspace.settings)),
    );
    connection.onSignatureHelp(async ({ textDocument, position }) => {
      const found = await find(textDocument.uri);
      return found === undefined ? null : (signatureHelp(found.program, found.file, position) ?? null);
    });
    connection.onCodeAction(async ({ textDocument, context }) => {
      const found = await find(textDocument.uri);
      return found === undefined ? [] : quickFixes(found.program, found.file, context.diagnostics);
    });
  },
};

const formatting: Feature = {
  capabilities: {
    documentFormattingProvider: true,
    documentRangeFormattingProvider: true,
    documentOnTypeFormattingProvider: { firstTriggerCharacter: '\n' },
  },
  register({ connection, find, workspace }) {
    const macros = async (uri: string): Promise<(name: string) => boolean> => {
      const found = await find(uri);
      const known = found === undefined ? undefined : entitiesOf(found.program).macros;
      return (name) => (known?.get(name) ?? known?.get(name.toLowerCase()))?.kind === 'macro';
    };
    connection.onDocumentFormatting(async ({ textDocument: { uri } }) =>
      formatText(textOf(workspace, uri), workspace.settings.format, await macros(uri)),
    );
    connection.onDocumentRangeFormatting(async ({ textDocument: { uri }, range }) =>
      formatText(textOf(workspace, uri), workspace.settings.format, await macros(uri), range),
    );
    connection.onDocumentOnTypeFormatting(async ({ textDocument: { uri }, position }) =>
      formatOnType(textOf(workspace, uri), position, workspace.settings.format, await macros(uri)),
    );
  },
};

const hints: Feature = {
  capabilities: { inlayHintProvider: true },
  register: ({ connection, find, session, shifts }) =>
    connection.languages.inlayHint.on(async ({ textDocument, range }) => {
      const found = await find(textDocument.uri);
      if (found === undefined) return [];
      const { program, file } = found;
      return [
        ...inlayHints(program, file, range),
        ...exitHints(session(), program, file, range.start.line + 1, range.end.line + 1, shifts),
      ];
    }),
};

export const FEATURES: readonly Feature[] = [hovers, navigation, outline, colours, writing, formatting, hints];
