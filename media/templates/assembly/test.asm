; Tests of {{name}}: each label test_... is called on a machine of its own, and passes when it returns and every
; assertion on the way held.

%include "hypervisor.asm"

test_guest_sees_a_hypervisor:
        call    run_guest
        ret                     ; @assert (dword[seen_features] >> 31) == 1

test_guest_does_not_see_vmx:
        call    run_guest
        ret                     ; @assert (dword[seen_features] & 0x20) == 0

test_guest_exits_twice:
        call    run_guest
        ret                     ; @assert exits == 2
