bits 64
%macro m 1
 %ifnum %1
  mov eax, %1
 %elifid %1
  mov ebx, %1
 %elifstr %1
  db %1
 %else
  dd %1
 %endif
%endmacro
m 5
m ecx
m 'abc'

%macro ret_if 1
 %ifidni %1, zero
  jz .end
 %else
  jnz .end
 %endif
%endmacro
func:
 ret_if ZERO
 ret_if x
.end: ret
%define mem [rax+8]
%define sz dword
mov sz mem, 5
%define A B
%define B A
A: dd 5
%define f(x) g(x)
%define g(x) (x*2)
dd f(3), g (4)
%define noargs() 42
dd noargs()
%define q(x) 'x'
db q(1)
%define multi(a) a
%define multi(a,b) a+b
dd multi(1), multi(1,2), multi({1,2})
%macro ov 0
db 0
%endmacro
%macro ov 1
db 1
%endmacro
%macro ov 2
db 2
%endmacro
ov
ov a
ov a,b
%imacro CaseMac 0
db 77
%endmacro
casemac
CASEMAC
%unmacro ov 1
%ifmacro ov 1
db 1
%else
db 2
%endif
%rep 3
%rep 2
nop
%endrep
cld
%endrep
%assign x 5
%assign x x*x-1
dd x
%define y x+1
%assign x 1
dd y
%xdefine y x+1
%assign x 100
dd y
%macro strs 1
%substr %%c %1 1
db %%c
%endmacro
strs 'zyx'
%macro rng 3-*
db %{1:2}
db %{-1:-2}
db %{2:-1}
%endmacro
rng 1,2,3,4,5
%ifdef foo
%elifndef foo
db 3
%endif
%define long_name_%+x 5
%macro while_ex 0
%assign n 0
%rep 100
 %assign n n+1
 %if n > 7
  %exitrep
 %endif
 db n
%endrep
%endmacro
while_ex
%macro exitm 1
db 1
%if %1
%exitmacro
%endif
db 2
%endmacro
exitm 1
exitm 0
label_a: m label_a
%define EMPTY
%ifempty EMPTY
db 1
%endif
EMPTY db 9
%define ins mov eax,
ins 5
