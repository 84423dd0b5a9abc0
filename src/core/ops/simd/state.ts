// What is about the state of the x87 registers alone.
import { other, type Row } from './row.ts';

export const stateRows: readonly Row[] = [
  other(
    [1, 0, 0x77],
    'emms',
    'mmx',
    { form: 'register', reg: 'm', rm: 'm', bytes: 0, keepsState: true },
    'mmxEmpty();',
  ),
];
