// Paths as the client writes them (plain or as file URIs) and as the debugger holds them (plain).

export type PathFormat = 'path' | 'uri';

export function fromClientPath(path: string, format: PathFormat): string {
  if (format === 'path' || !path.startsWith('file:')) return path;
  const plain = decode(path.replace(/^file:\/\/(?:localhost)?/, ''));
  return /^\/[A-Za-z]:/.test(plain) ? plain.slice(1) : plain;
}

export function toClientPath(path: string, format: PathFormat): string {
  if (format === 'path') return path;
  const encoded = path.replaceAll('\\', '/').split('/').map(encodeURIComponent).join('/');
  return encoded.startsWith('/') ? `file://${encoded}` : `file:///${encoded}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A stray % is part of the name.
    return text;
  }
}
