// Near jumps, calls and returns.

import {
  FAM_ALU,
  FAM_ALU_JUMP,
  FAM_ALU_QUIET,
  FAM_CALL,
  FAM_CALL_LEGACY,
  FAM_COMPARE_JUMP,
  FAM_JCC,
  FAM_JCC_FAR,
  FAM_JMP,
  FAM_JUMP_LEGACY,
  FAM_RET,
  FAM_TEST,
  FAM_TEST_JUMP,
} from '../../../build/core/op-ids.ts';
import { MODE_64, ripOfKey } from '../state.ts';
import { emit, emitJump, fuseWithPrevious, mayFuse, nextKey } from './emit.ts';
import { d, immediateOf, signedByte } from './state.ts';

/** Jcc, fused with the comparison, test or arithmetic in front of it where there is a handler for both. */
export function decodeJcc(cc: u32, distance: i64): void {
  if (mayFuse(distance)) {
    const fused = fusedWith(<u32>d.last, cc);
    if (fused) {
      fuseWithPrevious(fused);
      return;
    }
  }
  emitJump(FAM_JCC + cc, FAM_JCC_FAR + cc, distance, cc, 0);
}

function fusedWith(id: u32, cc: u32): u32 {
  if (id >= FAM_ALU && id < FAM_TEST) {
    const operation = (id - FAM_ALU) >> 5;
    const size = ((id - FAM_ALU) >> 3) & 3;
    const form = (id - FAM_ALU) & 7;
    if (operation == 7 && size != 1) {
      const fusedForm = form < 2 ? form : form - 4; // rr, ri; memory with immediate
      if (form < 2 || form >= 6) return FAM_COMPARE_JUMP + (((size ? size - 1 : 0) * 4 + fusedForm) << 4) + cc;
    }
    const which: i32 = operation == 0 ? 0 : operation == 5 ? 1 : operation == 4 ? 2 : -1;
    const condition: i32 = cc == 4 ? 0 : cc == 5 ? 1 : cc == 8 ? 2 : cc == 9 ? 3 : -1;
    if (which >= 0 && condition >= 0 && size >= 2 && form == 1) {
      return FAM_ALU_JUMP + ((<u32>which * 2 + size - 2) << 2) + <u32>condition;
    }
  } else if (id >= FAM_TEST && id < FAM_ALU_QUIET) {
    const size = (id - FAM_TEST) / 6;
    const form = (id - FAM_TEST) % 6;
    if (size != 1 && form < 2) return FAM_TEST_JUMP + (((size ? size - 1 : 0) * 2 + form) << 4) + cc;
  }
  return 0;
}

export function decodeReturn(release: u32): void {
  d.ends = true;
  d.immediate = <i64>release;
  if (d.mode == MODE_64) emit(FAM_RET + u32(release != 0));
  else {
    d.kind = d.operandSize;
    emit(FAM_JUMP_LEGACY + 4);
  }
}

export function decodeJumpOrCall(opcode: u32): void {
  const distance = opcode == 0xeb ? signedByte() : immediateOf(d.mode == MODE_64 ? 2 : d.operandSize);
  d.ends = true;
  if (opcode != 0xe8) emitJump(FAM_JMP, FAM_JMP + 1, distance, 16, 0);
  else if (d.mode == MODE_64) emitJump(FAM_CALL, FAM_CALL + 1, distance, 16, nextKey());
  else {
    d.kind = d.operandSize;
    emitJump(FAM_CALL_LEGACY, FAM_CALL_LEGACY + 1, distance, 16, ripOfKey(nextKey()));
  }
}
