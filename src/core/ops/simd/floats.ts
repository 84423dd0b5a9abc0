// Packed and scalar floating point.
import type { Row } from './row.ts';

export const floatRows: readonly Row[] = [];
