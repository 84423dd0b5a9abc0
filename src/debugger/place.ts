// Where an address is, in words.

import { type Image, lineAt, symbolAt } from '../program/image.ts';
import { hex, symbolText } from './format.ts';

/** `0x100020 (guest+0x4, hello.asm:12)`. */
export function place(image: Image, address: bigint): string {
  const symbol = symbolAt(image, address);
  const line = lineAt(image, address);
  const words = [
    ...(symbol === undefined ? [] : [symbolText(symbol)]),
    ...(line === undefined ? [] : [`${line.path.replace(/^.*[/\\]/, '')}:${line.line}`]),
  ];
  return words.length === 0 ? hex(address) : `${hex(address)} (${words.join(', ')})`;
}
