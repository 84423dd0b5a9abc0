bits 64
default rel
mov eax,[rax]
mov eax,[rax*1]
mov eax,[rax*2]
mov eax,[rax*3]
mov eax,[rax*5+4]
mov eax,[rax*9]
mov eax,[nosplit rax*2]
mov eax,[nosplit rax*1]
mov eax,[rax+rbx]
mov eax,[rbx+rax]
mov eax,[rax*1+rbx]
mov eax,[rax+rbx*1]
mov eax,[rbp]
mov eax,[rbp+rax]
mov eax,[rax+rbp]
mov eax,[rsp]
mov eax,[rax+rsp]
mov eax,[rsp+rax]
mov eax,[rsp*1+rax]
mov eax,[r12]
mov eax,[r13]
mov eax,[r13+r12]
mov eax,[rax+127]
mov eax,[rax+128]
mov eax,[rax-128]
mov eax,[rax-129]
mov eax,[byte rax]
mov eax,[dword rax]
mov eax,[dword rax+1]
mov eax,[byte rax+300]
mov eax,[lab]
mov eax,[rel lab]
mov eax,[abs lab]
mov eax,[fs:lab]
mov eax,[es:lab]
mov eax,[fs:0x30]
mov eax,[gs:rax]
mov eax,[ds:rax]
mov rax,[qword lab]
mov rax,[qword 0x123456789abc]
mov [qword 0x123456789abc], al
mov eax,[dword 0x1234]
mov eax,[a32 0x1234]
mov eax,[eax+ebx*4]
mov eax,[eax]
a32 mov eax,[rel lab]
mov eax,[lab+rbx]
mov dword [lab], 5
mov byte [lab], 5
cmp dword [lab], 0x12345
add qword [lab], 100000
mov rax, lab
mov eax, lab
lea rax, [lab]
mov rax, 5
mov rax, -5
mov rax, 0xffffffff
mov rax, 0x80000000
mov rax, 0x100000000
mov rax, qword 5
mov rax, dword 5
mov rax, strict dword 5
mov rax, strict qword 5
push strict qword 5
add rax, strict qword 5
imul rax, rbx, strict qword 5
mov qword [rax], strict qword 5
test rax, strict qword 5
mov eax, strict dword 5
mov qword [rax], -5
mov r8, 1
push 5
push 300
push qword 5
push word 5
push -1
push lab
imul eax, 5
imul eax, ebx, 5
imul rax, rbx, 1000
imul eax, [rbx], 5
xchg eax, eax
xchg rax, rax
xchg eax, ebx
xchg ebx, eax
xchg rax, r8
xchg [rax], ecx
xchg ecx, [rax]
test eax, [rbx]
test [rbx], eax
test al, 5
test eax, 5
test ecx, 5
shl eax, 1
shl eax, 5
shl eax, cl
shl dword [rax], 1
rol byte [rax], cl
movzx eax, byte [rax]
movzx eax, al
movzx rax, cx
movsx rax, dword [rbx]
movsxd rax, ecx
in al, dx
in eax, 0x60
out dx, al
out 0xf4, eax
int 3
int3
int 0x80
enter 16, 0
leave
ret
ret 8
retf
retf 4
retfq
iretq
iretd
iret
syscall
sysret
o64 sysret
o64 sysexit
sysexit
swapgs
pushfq
popfq
pushf
popf
lodsq
stosb
rep stosq
repne scasb
repe cmpsb
lock xadd [rax], ebx
lock inc dword [rax]
cmpxchg16b [rax]
cs mov eax, [rbx]
fs mov eax, [rbx]
o16 mov eax, ebx
o16 nop
rep nop
pause
bswap eax
bswap r9
mov cr8, rax
mov rax, cr0
mov dr7, rax
mov ds, ax
mov ds, eax
mov ax, ds
mov eax, ds
mov [rax], ds
lgdt [rax]
sgdt [lab]
lidt [lab]
ltr ax
str eax
str rax
lldt [rax]
smsw eax
lmsw ax
invlpg [rax]
invept rax, [rbx]
invvpid rax, [rbx]
invpcid rax, [rbx]
vmread rax, rbx
vmread [rax], rbx
vmwrite rax, [rbx]
vmwrite rbx, rax
vmxon [rax]
vmptrld [lab]
vmptrst [lab]
vmclear [lab]
vmcall
vmfunc
vmrun
vmmcall
vmload
vmsave
skinit
clgi
stgi
invlpga
invlpga rax, ecx
monitor
monitor rax,ecx,edx
mwait
mwait eax,ecx
rdtscp
xgetbv
xsetbv
rdpid rax
clflush [rax]
movnti [rax], eax
prefetcht0 [rax]
fxsave [rax]
xsave [rax]
xsave64 [rax]
fxrstor64 [rax]
rdfsbase rax
wrgsbase eax
clac
stac
hlt
cli
ud2
ud1 eax, ebx
nop
nop dword [rax]
multibyte: nop word [rax+rax*1+0]
jmp lab
jmp [rax]
call [rax]
call rax
jmp far [rax]
jmp qword [rax]
jz lab
jrcxz multibyte.x
.x: loop .x
loop .x, ecx
loop .x, rcx
movq xmm0, rax
movq rax, xmm0
movd xmm0, eax
movd eax, xmm0
movq xmm0, [rax]
movq [rax], xmm1
movaps xmm0, [rax]
movsd xmm0, [rax]
movsd
cmpsd
cmpsd xmm0, xmm1, 3
cmpeqsd xmm0, xmm1
addpd xmm0, xmm9
cvtsi2sd xmm0, rax
cvttsd2si rax, xmm0
pshufb xmm0, [rax]
vaddps ymm0, ymm1, ymm2
vaddps xmm0, xmm1
vaddps xmm8, xmm9, [rax]
vmovdqu ymm0, [rax]
vzeroupper
vpbroadcastd ymm0, [rax]
vfmadd231pd xmm0,xmm1,xmm2
vpgatherdd xmm0,[rax+xmm1*4],xmm2
andn eax, ebx, ecx
bextr rax, rbx, rcx
pdep eax, ebx, ecx
rorx eax, ebx, 5
mulx eax, ebx, ecx
tzcnt eax, ebx
lzcnt rax, rbx
popcnt eax, [rax]
crc32 eax, byte [rax]
adcx eax, ebx
adox rax, rbx
movbe eax, [rax]
vaddps zmm0{k1}{z}, zmm1, [rax]{1to16}
vaddps zmm0, zmm1, zmm2, {rn-sae}
vcmpps k1, zmm0, zmm1, {sae}, 3
vmovdqu32 zmm0{k2}, [rax+64]
vpaddd xmm16, xmm1, [rax+16]
kmovw k1, eax
{evex} vaddps xmm0, xmm1, xmm2
{vex3} vaddps xmm0, xmm1, xmm2
fld dword [rax]
fld st1
fadd st1
fadd to st1
fadd st0, st1
faddp
fadd
fstp qword [rax]
fild word [rax]
fnstsw ax
fstsw ax
fninit
finit
fwait
fstcw [rax]
fnstcw [rax]
wait
times 200 nop
lab:
