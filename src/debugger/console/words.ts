// A command line to words.

const CLOSING: Readonly<Record<string, string>> = { '[': ']', '(': ')', '{': '}' };

/** Splits at blanks that are not inside quotes, brackets, braces or parentheses; an open one reaches to the end. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  const open: string[] = [];
  let word = '';
  for (const char of text) {
    const innermost = open.at(-1);
    const quoted = innermost === '"' || innermost === "'";
    if (/\s/.test(char) && open.length === 0) {
      if (word !== '') words.push(word);
      word = '';
      continue;
    }
    word += char;
    if (char === innermost) open.pop();
    else if (!quoted && (char === '"' || char === "'")) open.push(char);
    else if (!quoted && CLOSING[char] !== undefined) open.push(CLOSING[char]);
  }
  if (word !== '') words.push(word);
  return words;
}

/** Takes options such as `-f` out of the words, each at most once; `rest` keeps the order. */
export function takeFlags<Name extends string>(
  words: readonly string[],
  names: readonly Name[],
): { readonly flags: ReadonlySet<Name>; readonly rest: readonly string[] } {
  const flags = new Set<Name>();
  const rest = words.filter((word) => {
    const name = names.find((candidate) => word === candidate);
    if (name !== undefined) flags.add(name);
    return name === undefined;
  });
  return { flags, rest };
}

/** The text of a word in quotes, or the word. */
export function unquote(word: string): string {
  const quote = word[0];
  return (quote === '"' || quote === "'") && word.length > 1 && word.endsWith(quote) ? word.slice(1, -1) : word;
}
