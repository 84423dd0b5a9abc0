// Entries of paging structures and of EPT paging structures.
// Sources: SDM "32-Bit Paging", "PAE Paging", "4-Level Paging and 5-Level Paging", "EPT Translation Mechanism".

import { type BitLayout, bit, group } from './bits.ts';

const RIGHTS: BitLayout = [
  bit(0, 'P', 'Present.'),
  bit(1, 'R/W', 'Writes are allowed.'),
  bit(2, 'U/S', 'User-mode accesses are allowed.'),
  bit(3, 'PWT', 'Page-level write-through.'),
  bit(4, 'PCD', 'Page-level cache disable.'),
  bit(5, 'A', 'Accessed.'),
];
const EXECUTE_DISABLE = bit(63, 'XD', 'Instruction fetches are not allowed.');
const PROTECTION_KEY = group(62, 59, 'key', 'Protection key.');

/** An entry that references another paging structure, 64-bit formats. */
export const TABLE_ENTRY: BitLayout = [
  ...RIGHTS,
  bit(6, 'ignored 6', 'Ignored.'),
  bit(7, 'PS', 'Page size; 0 here.'),
  group(11, 8, 'ignored 11:8', 'Ignored (bit 11: HLAT restart).'),
  group(51, 12, 'table', 'Physical page number of the next structure.'),
  group(62, 52, 'ignored 62:52', 'Ignored (reserved with PAE paging).'),
  EXECUTE_DISABLE,
];

/** A page-table entry, 64-bit formats. */
export const PAGE_ENTRY: BitLayout = [
  ...RIGHTS,
  bit(6, 'D', 'Dirty.'),
  bit(7, 'PAT', 'Third bit of the memory-type index.'),
  bit(8, 'G', 'Global.'),
  group(11, 9, 'ignored 11:9', 'Ignored (bit 11: HLAT restart).'),
  group(51, 12, 'page', 'Physical page number.'),
  group(58, 52, 'ignored 58:52', 'Ignored (reserved with PAE paging).'),
  PROTECTION_KEY,
  EXECUTE_DISABLE,
];

/** An entry that maps a 2-MByte or 1-GByte page, 64-bit formats. */
export const LARGE_PAGE_ENTRY: BitLayout = [
  ...RIGHTS,
  bit(6, 'D', 'Dirty.'),
  bit(7, 'PS', 'Page size: maps a page.'),
  bit(8, 'G', 'Global.'),
  group(11, 9, 'ignored 11:9', 'Ignored (bit 11: HLAT restart).'),
  bit(12, 'PAT', 'Third bit of the memory-type index.'),
  group(51, 21, 'page', 'Physical address of the page, bits 51:21.'),
  group(58, 52, 'ignored 58:52', 'Ignored (reserved with PAE paging).'),
  PROTECTION_KEY,
  EXECUTE_DISABLE,
];

/** 32-bit paging: a page-directory entry that references a page table. */
export const TABLE_ENTRY_32: BitLayout = [
  ...RIGHTS,
  bit(6, 'ignored 6', 'Ignored.'),
  bit(7, 'PS', 'Page size; 0 here.'),
  group(11, 8, 'ignored 11:8', 'Ignored.'),
  group(31, 12, 'table', 'Physical page number of the page table.'),
];

/** 32-bit paging: a page-table entry. */
export const PAGE_ENTRY_32: BitLayout = [
  ...RIGHTS,
  bit(6, 'D', 'Dirty.'),
  bit(7, 'PAT', 'Third bit of the memory-type index.'),
  bit(8, 'G', 'Global.'),
  group(11, 9, 'ignored 11:9', 'Ignored.'),
  group(31, 12, 'page', 'Physical page number.'),
];

/** 32-bit paging: a page-directory entry that maps a 4-MByte page. */
export const LARGE_PAGE_ENTRY_32: BitLayout = [
  ...RIGHTS,
  bit(6, 'D', 'Dirty.'),
  bit(7, 'PS', 'Page size: maps a page.'),
  bit(8, 'G', 'Global.'),
  group(11, 9, 'ignored 11:9', 'Ignored.'),
  bit(12, 'PAT', 'Third bit of the memory-type index.'),
  group(20, 13, 'page 39:32', 'Physical address bits 39:32.'),
  group(31, 22, 'page', 'Physical address bits 31:22.'),
];

const EPT_RIGHTS: BitLayout = [
  bit(0, 'R', 'Reads are allowed.'),
  bit(1, 'W', 'Writes are allowed.'),
  bit(2, 'X', 'Instruction fetches are allowed.'),
];
const EPT_ACCESSED = bit(8, 'A', 'Accessed (if the EPTP enables it).');
const EPT_USER_EXECUTE = bit(10, 'XU', 'User-mode fetches (with mode-based execute control).');

/** An EPT entry that references another EPT paging structure. */
export const EPT_TABLE_ENTRY: BitLayout = [
  ...EPT_RIGHTS,
  bit(7, 'large', 'Maps a page; 0 here.'),
  EPT_ACCESSED,
  bit(9, 'ignored 9', 'Ignored.'),
  EPT_USER_EXECUTE,
  bit(11, 'ignored 11', 'Ignored.'),
  group(51, 12, 'table', 'Physical page number of the next structure.'),
  group(63, 52, 'ignored 63:52', 'Ignored.'),
];

/** An EPT entry that maps a page. */
export const EPT_PAGE_ENTRY: BitLayout = [
  ...EPT_RIGHTS,
  group(5, 3, 'type', 'Memory type.', { 0: 'UC', 1: 'WC', 4: 'WT', 5: 'WP', 6: 'WB' }),
  bit(6, 'ignore PAT', 'The guest’s PAT does not count.'),
  bit(7, 'large', 'Maps a 2-MByte or 1-GByte page.'),
  EPT_ACCESSED,
  bit(9, 'D', 'Dirty (if the EPTP enables it).'),
  EPT_USER_EXECUTE,
  bit(11, 'ignored 11', 'Ignored.'),
  group(51, 12, 'page', 'Physical page number.'),
  group(56, 52, 'ignored 56:52', 'Ignored.'),
  bit(57, 'verify', 'Guest-paging verification.'),
  bit(58, 'paging-write', 'Writes by paging are allowed.'),
  bit(60, 'SSS', 'Supervisor shadow stack.'),
  bit(61, 'SPP', 'Sub-page write permissions.'),
  bit(63, 'suppress #VE', 'EPT violations do not become #VE.'),
];
