bits 32
%define one 1
%define add2(a,b) ((a)+(b))
%idefine CamelCase 7
%xdefine frozen one
%undef one
%define one 2
dd one, frozen, add2(3,4), camelcase, CAMELCASE
dd add2(1,2)
%assign i 0
%rep 5
 db i
%assign i i+1
%if i == 4
 %exitrep
%endif
%endrep
%macro push_all 1-*
 %rep %0
  push %1
 %rotate 1
 %endrep
%endmacro
push_all eax, ebx, ecx
%macro greedy 1+
 db %1
%endmacro
greedy "a", 1, 2, "b"
%macro two 2+.nolist
 db %1
 dw %2
%endmacro
two 1, 2, 3
%macro defs 0-3 10, 20, 30
 db %0, %1, %2, %3
%endmacro
defs
defs 1
defs 1,2
defs {1},{2},{3}
%macro cc 1
 j%-1 %%skip
 nop
%%skip:
 set%+1 al
%endmacro
cc z
cc nae
%macro lab 0
%00: dd %00
%endmacro
foo: lab
%define paste(x,y) x%+y
paste(f,oo2): dd paste(f,oo2)
%push ctx
%define %$loc 5
%$lbl: dd %$loc, %$lbl
%push inner
%$lbl: dd %$$loc, %$$lbl, %$lbl
%pop
%ifctx ctx
db 1
%else
db 2
%endif
%pop
%strlen len 'hello'
db len
%substr s 'hello' 2
db s
%substr s 'hello' 2,3
db s
%substr s 'hello' 2,-1
db s
%strcat cat 'ab',"cd"
db cat
%defstr ds a + b
db ds
%deftok dt2 'eax'
mov dt2, 1
%ifidn a,a
db 1
%endif
%ifidni AbC,aBc
db 2
%endif
%ifnidn a,b
db 3
%endif
%ifnum 5
db 4
%endif
%ifnum -5
db 44
%endif
%ifid foo
db 5
%endif
%ifstr 'x'
db 6
%endif
%iftoken foo bar
db 7
%else
db 8
%endif
%ifempty
db 9
%endif
%ifdef one
db 10
%endif
%ifndef nosuch
db 11
%elifdef one
db 12
%else
db 13
%endif
%ifmacro push_all
db 14
%endif
%ifmacro push_all 2
db 15
%endif
%ifmacro defs 4
db 16
%else
db 17
%endif
%if 0
 garbage here ' unterminated
%elif 1
 db 18
%else
 db 19
%endif
%macro nested 1
 %macro in_%1 1
  db %1, 99
 %endmacro
%endmacro
%macro nest2 2
 db %1
 %if %1 > 0
   db 0x55
 %endif
%endmacro
nest2 0, 1
nest2 1, 1
%macro iloop 1
%assign %%j 0
%rep %1
db %%j
%assign %%j %%j+1
%endrep
%endmacro
iloop 3
db __LINE__
%define regs(x) e %+ x %+ x
dd __BITS__
