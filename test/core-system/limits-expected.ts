// What programs/limits.asm must print, by the SDM: "Limit Checking", "Type Checking", "RET", "IRET", "CALL", "Debug Exception".
// Columns: vector, error code (EEEEEEEE: none), EIP from the case's first byte (FFFFFFFF: elsewhere), CS, flags with RF.

export const LIMITS_EXPECTED: readonly string[] = [
  // A null selector may be loaded; using it is #GP(0).
  'use null ds #0000000D e=00000000 ip=00000005 cs=00000008 fl=00010000',
  'write read-only #0000000D e=00000000 ip=0000000B cs=00000008 fl=00010000',
  'write through cs #0000000D e=00000000 ip=00000000 cs=00000008 fl=00010000',
  // Expand-down with limit 1FFFH: valid offsets are 2000H to FFFFFFFFH.
  'expand-down inside limit #0000000D e=00000000 ip=00000006 cs=00000008 fl=00010000',
  'expand-down above limit ok',
  'expand-down at the top #0000000D e=00000000 ip=00000006 cs=00000008 fl=00010000',
  'limit, last byte ok',
  'limit, past by one #0000000D e=00000000 ip=00000006 cs=00000008 fl=00010000',
  'stack limit #0000000C e=00000000 ip=00000027 cs=0000001B fl=00013000 ss=000000FB',
  'pop past limit #0000000C e=00000000 ip=00000027 cs=0000001B fl=00013000 ss=000000FB',
  'pop within limit #00000030 e=EEEEEEEE ip=0000002A cs=0000001B fl=00003000 ss=000000FB',
  // Both jumps fault themselves: nothing of the target is fetched.
  'call past cs limit #0000000D e=00000000 ip=FFFFFFFF cs=000000E8 fl=00010000',
  'far jump past cs limit #0000000D e=00000000 ip=00000000 cs=00000008 fl=00010000',
  'write execute-only #0000000D e=00000000 ip=00000000 cs=00000008 fl=00010000',
  'read execute-only #0000000D e=00000000 ip=00000007 cs=00000050 fl=00010000',
  'offset wraps #0000000D e=00000000 ip=00000010 cs=00000008 fl=00010000',
  // "When the effective limit is FFFFFFFFH, these accesses may or may not cause the indicated exceptions."
  'wide access at the top of flat ok',
  // A stack segment that is not present is #SS(selector).
  'retf outer, stack absent #0000000C e=000000F0 ip=00000011 cs=00000008 fl=00010000',
  'iret ss absent #0000000C e=000000F0 ip=00000013 cs=00000008 fl=00010000',
  // CS.RPL becomes the CPL.
  'ring 3: conforming gate cs=0000005B #00000030 e=EEEEEEEE ip=000001D2 cs=0000005B fl=00003000 ss=00000023',
  // INT1 is a trap, and not a fault.
  'int1 #00000001 e=EEEEEEEE ip=00000001 cs=00000008 fl=00000000',
  'fault sets RF in the image #00000006 e=EEEEEEEE ip=00000000 cs=00000008 fl=00010000',
  'interrupt does not #00000030 e=EEEEEEEE ip=00000002 cs=00000008 fl=00000000',
];
