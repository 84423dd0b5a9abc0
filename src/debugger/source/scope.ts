// What names mean in a frame of the program: its variables, the variables of its file and of the program, types, enumerators.

import type { Machine, Side } from '../../machine/types.ts';
import type { DebugVariable, FrameAccess } from '../../program/debug-info.ts';
import type { DebugType, EnumType } from '../../program/debug-types.ts';
import type { Image } from '../../program/image.ts';
import { type CodeFrame, innermostFrame } from '../stack.ts';
import { sideRegisters } from './frame-registers.ts';
import { frameAccess, type Place, placeOf } from './places.ts';

export interface SourceScope {
  /** A local variable or parameter. */
  local(name: string): Place | undefined;
  /** A variable of file scope. */
  global(name: string): Place | undefined;
  type(name: string): DebugType | undefined;
  enumerator(name: string): { readonly value: bigint; readonly type: EnumType } | undefined;
  /** Names of variables, for completion. */
  names(): readonly string[];
}

/** Where the variables of a frame are. */
export function placeOfVariable(machine: Machine, frame: CodeFrame, variable: DebugVariable): Place {
  const { registers, lookup, side } = frame;
  const access: FrameAccess =
    registers === undefined ? noFrame(machine, side) : frameAccess(machine, registers, frame.cfa, frame.entryRegister);
  return placeOf(variable.type, variable.locate(lookup, access), { kind: 'linear', side }, registers);
}

function noFrame(machine: Machine, side: Side): FrameAccess {
  return { ...frameAccess(machine, sideRegisters(machine, side), () => undefined), register: () => undefined };
}

/** The variables of a frame, by kind. */
export function variablesOfFrame(frame: CodeFrame, kind: DebugVariable['kind']): readonly DebugVariable[] {
  if (kind === 'global')
    return frame.function === undefined ? [] : (frame.image.program.debug?.globalsAt(frame.lookup) ?? []);
  return (frame.function?.variables(frame.lookup) ?? []).filter((variable) => variable.kind === kind);
}

/** The scope of a frame; without one, of wherever the side stands when a name is asked for. */
export function sourceScope(
  machine: Machine,
  image: Image,
  side: Side,
  frame: CodeFrame | undefined,
): SourceScope | undefined {
  const { debug } = image.program;
  if (debug === undefined) return undefined;
  const here = (): CodeFrame | undefined => frame ?? innermostFrame(machine, image, side);
  return {
    local: (name) => {
      const at = here();
      const variable = at?.function?.variables(at.lookup).find((candidate) => candidate.name === name);
      return at === undefined || variable === undefined ? undefined : placeOfVariable(machine, at, variable);
    },
    global: (name) => {
      const variable = debug.globalNamed(name, here()?.lookup);
      if (variable === undefined) return undefined;
      const location = variable.locate(0n, noFrame(machine, side));
      return placeOf(variable.type, location, { kind: 'linear', side }, undefined);
    },
    type: (name) => debug.typeNamed(name, here()?.lookup),
    enumerator: (name) => debug.enumeratorNamed(name, here()?.lookup),
    names: () => {
      const at = here();
      return [...(at?.function?.variables(at.lookup) ?? []).map(({ name }) => name), ...debug.globalNames()];
    },
  };
}
