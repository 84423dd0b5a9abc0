// Names of places for the rows of views.

import { type Image, symbolAt } from '../../program/image.ts';
import { symbolText } from '../format.ts';
import type { SymbolOf } from './exits.ts';

export function symbolNames(image: Image): SymbolOf {
  return (rip) => {
    const symbol = symbolAt(image, rip);
    return symbol === undefined ? '' : symbolText(symbol);
  };
}
