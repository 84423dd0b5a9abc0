// What expressions are evaluated against: the names of each side's images, its C variables and types.

import type { Machine, Side } from '../machine/types.ts';
import { addressOf } from '../program/image.ts';
import type { Context } from './expressions/names.ts';
import type { Images } from './images.ts';
import { sourceScope } from './source/scope.ts';
import type { CodeFrame } from './stack.ts';

/** Names mean what they mean in `frame`, or where the side stands. */
export type Contexts = (side: Side, frame?: CodeFrame) => Context;

export function createContexts(machine: Machine, images: Images): Contexts {
  const standing = { root: contextOf('root'), 'non-root': contextOf('non-root') } as const;
  return (side, frame) => (frame === undefined ? standing[side] : contextOf(side, frame));

  function contextOf(side: Side, frame?: CodeFrame): Context {
    return {
      machine,
      side,
      get image() {
        return images.view(side);
      },
      addressOf: (name) => addressOf(images.view(side), name),
      get source() {
        return sourceScope(machine, images.view(side), side, frame);
      },
      symbols: () => [...images.view(side).byName.keys()],
    };
  }
}
