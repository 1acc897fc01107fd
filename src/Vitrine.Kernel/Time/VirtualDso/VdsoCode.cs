namespace Vitrine.Kernel.Time.VirtualDso;

/// <summary>
/// The vDSO's machine code: leaf functions that need no stack. Time is the time-stamp counter, which counts the machine
/// clock's nanoseconds, plus an offset per clock from the vvar page, read under its sequence count; what the code does not
/// know it asks the kernel. The code lies one page behind the image's start, the vvar page one page before it.
/// </summary>
internal static class VdsoCode
{
    public const int ClockGettime = 0x000;
    public const int Gettimeofday = 0x0a0;
    public const int Time = 0x100;
    public const int ClockGetres = 0x140;
    public const int Getcpu = 0x180;
    public const int End = 0x198;

    /// <summary>Bytes by instruction, with the offset and the text of each.</summary>
    public static ReadOnlySpan<byte> Bytes =>
    [
        // base
        0x89, 0xFF,                                     // 000 mov edi,edi
        0x83, 0xFF, 0x0F,                               // 002 cmp edi,0xf
        0x0F, 0x87, 0x89, 0x00, 0x00, 0x00,             // 005 ja 94 <base+0x94>
        0xB8, 0x93, 0x08, 0x00, 0x00,                   // 00b mov eax,0x893
        0x0F, 0xA3, 0xF8,                               // 010 bt eax,edi
        0x73, 0x3A,                                     // 013 jae 4f <base+0x4f>
        0x48, 0x8D, 0x0D, 0xE4, 0xDF, 0xFF, 0xFF,       // 015 lea rcx,[rip+0xffffffffffffdfe4]
        0x44, 0x8B, 0x01,                               // 01c mov r8d,DWORD PTR [rcx]
        0x41, 0xF7, 0xC0, 0x01, 0x00, 0x00, 0x00,       // 01f test r8d,0x1
        0x75, 0xF4,                                     // 026 jne 1c <base+0x1c>
        0x0F, 0x31,                                     // 028 rdtsc
        0x48, 0xC1, 0xE2, 0x20,                         // 02a shl rdx,0x20
        0x48, 0x09, 0xD0,                               // 02e or rax,rdx
        0x48, 0x03, 0x44, 0xF9, 0x40,                   // 031 add rax,QWORD PTR [rcx+rdi*8+0x40]
        0x44, 0x3B, 0x01,                               // 036 cmp r8d,DWORD PTR [rcx]
        0x75, 0xE1,                                     // 039 jne 1c <base+0x1c>
        0xB9, 0x00, 0xCA, 0x9A, 0x3B,                   // 03b mov ecx,0x3b9aca00
        0x31, 0xD2,                                     // 040 xor edx,edx
        0x48, 0xF7, 0xF1,                               // 042 div rcx
        0x48, 0x89, 0x06,                               // 045 mov QWORD PTR [rsi],rax
        0x48, 0x89, 0x56, 0x08,                         // 048 mov QWORD PTR [rsi+0x8],rdx
        0x31, 0xC0,                                     // 04c xor eax,eax
        0xC3,                                           // 04e ret
        0xB8, 0x60, 0x00, 0x00, 0x00,                   // 04f mov eax,0x60
        0x0F, 0xA3, 0xF8,                               // 054 bt eax,edi
        0x73, 0x3B,                                     // 057 jae 94 <base+0x94>
        0x48, 0x8D, 0x0D, 0xA0, 0xDF, 0xFF, 0xFF,       // 059 lea rcx,[rip+0xffffffffffffdfa0]
        0x44, 0x8B, 0x01,                               // 060 mov r8d,DWORD PTR [rcx]
        0x41, 0xF7, 0xC0, 0x01, 0x00, 0x00, 0x00,       // 063 test r8d,0x1
        0x75, 0xF4,                                     // 06a jne 60 <base+0x60>
        0x0F, 0x31,                                     // 06c rdtsc
        0x48, 0xC1, 0xE2, 0x20,                         // 06e shl rdx,0x20
        0x48, 0x09, 0xD0,                               // 072 or rax,rdx
        0x48, 0x03, 0x41, 0x48,                         // 075 add rax,QWORD PTR [rcx+0x48]
        0x31, 0xD2,                                     // 079 xor edx,edx
        0x41, 0xB9, 0x00, 0x09, 0x3D, 0x00,             // 07b mov r9d,0x3d0900
        0x49, 0xF7, 0xF1,                               // 081 div r9
        0x49, 0x0F, 0xAF, 0xC1,                         // 084 imul rax,r9
        0x48, 0x03, 0x44, 0xF9, 0x40,                   // 088 add rax,QWORD PTR [rcx+rdi*8+0x40]
        0x44, 0x3B, 0x01,                               // 08d cmp r8d,DWORD PTR [rcx]
        0x75, 0xCE,                                     // 090 jne 60 <base+0x60>
        0xEB, 0xA7,                                     // 092 jmp 3b <base+0x3b>
        0xB8, 0xE4, 0x00, 0x00, 0x00,                   // 094 mov eax,0xe4
        0x0F, 0x05,                                     // 099 syscall
        0xC3,                                           // 09b ret
        0x0F, 0x1F, 0x40, 0x00,                         // 09c nop DWORD PTR [rax+0x0]
        // gettimeofday
        0x48, 0x85, 0xFF,                               // 0a0 test rdi,rdi
        0x74, 0x41,                                     // 0a3 je e6 <gettimeofday+0x46>
        0x48, 0x8D, 0x0D, 0x54, 0xDF, 0xFF, 0xFF,       // 0a5 lea rcx,[rip+0xffffffffffffdf54]
        0x44, 0x8B, 0x01,                               // 0ac mov r8d,DWORD PTR [rcx]
        0x41, 0xF7, 0xC0, 0x01, 0x00, 0x00, 0x00,       // 0af test r8d,0x1
        0x75, 0xF4,                                     // 0b6 jne ac <gettimeofday+0xc>
        0x0F, 0x31,                                     // 0b8 rdtsc
        0x48, 0xC1, 0xE2, 0x20,                         // 0ba shl rdx,0x20
        0x48, 0x09, 0xD0,                               // 0be or rax,rdx
        0x48, 0x03, 0x41, 0x40,                         // 0c1 add rax,QWORD PTR [rcx+0x40]
        0x44, 0x3B, 0x01,                               // 0c5 cmp r8d,DWORD PTR [rcx]
        0x75, 0xE2,                                     // 0c8 jne ac <gettimeofday+0xc>
        0xB9, 0x00, 0xCA, 0x9A, 0x3B,                   // 0ca mov ecx,0x3b9aca00
        0x31, 0xD2,                                     // 0cf xor edx,edx
        0x48, 0xF7, 0xF1,                               // 0d1 div rcx
        0x48, 0x89, 0x07,                               // 0d4 mov QWORD PTR [rdi],rax
        0x89, 0xD0,                                     // 0d7 mov eax,edx
        0x31, 0xD2,                                     // 0d9 xor edx,edx
        0xB9, 0xE8, 0x03, 0x00, 0x00,                   // 0db mov ecx,0x3e8
        0xF7, 0xF1,                                     // 0e0 div ecx
        0x48, 0x89, 0x47, 0x08,                         // 0e2 mov QWORD PTR [rdi+0x8],rax
        0x48, 0x85, 0xF6,                               // 0e6 test rsi,rsi
        0x74, 0x0A,                                     // 0e9 je f5 <gettimeofday+0x55>
        0x48, 0x8B, 0x05, 0x1E, 0xDF, 0xFF, 0xFF,       // 0eb mov rax,QWORD PTR [rip+0xffffffffffffdf1e]
        0x48, 0x89, 0x06,                               // 0f2 mov QWORD PTR [rsi],rax
        0x31, 0xC0,                                     // 0f5 xor eax,eax
        0xC3,                                           // 0f7 ret
        0x0F, 0x1F, 0x84, 0x00, 0x00, 0x00, 0x00,       // 0f8 nop DWORD PTR [rax+rax*1+0x0]
        0x00,
        // time
        0x48, 0x8D, 0x0D, 0xF9, 0xDE, 0xFF, 0xFF,       // 100 lea rcx,[rip+0xffffffffffffdef9]
        0x44, 0x8B, 0x01,                               // 107 mov r8d,DWORD PTR [rcx]
        0x41, 0xF7, 0xC0, 0x01, 0x00, 0x00, 0x00,       // 10a test r8d,0x1
        0x75, 0xF4,                                     // 111 jne 107 <time+0x7>
        0x0F, 0x31,                                     // 113 rdtsc
        0x48, 0xC1, 0xE2, 0x20,                         // 115 shl rdx,0x20
        0x48, 0x09, 0xD0,                               // 119 or rax,rdx
        0x48, 0x03, 0x41, 0x40,                         // 11c add rax,QWORD PTR [rcx+0x40]
        0x44, 0x3B, 0x01,                               // 120 cmp r8d,DWORD PTR [rcx]
        0x75, 0xE2,                                     // 123 jne 107 <time+0x7>
        0xB9, 0x00, 0xCA, 0x9A, 0x3B,                   // 125 mov ecx,0x3b9aca00
        0x31, 0xD2,                                     // 12a xor edx,edx
        0x48, 0xF7, 0xF1,                               // 12c div rcx
        0x48, 0x85, 0xFF,                               // 12f test rdi,rdi
        0x74, 0x03,                                     // 132 je 137 <time+0x37>
        0x48, 0x89, 0x07,                               // 134 mov QWORD PTR [rdi],rax
        0xC3,                                           // 137 ret
        0x0F, 0x1F, 0x84, 0x00, 0x00, 0x00, 0x00,       // 138 nop DWORD PTR [rax+rax*1+0x0]
        0x00,
        // clock_getres
        0x83, 0xFF, 0x0F,                               // 140 cmp edi,0xf
        0x77, 0x31,                                     // 143 ja 176 <clock_getres+0x36>
        0xB9, 0x01, 0x00, 0x00, 0x00,                   // 145 mov ecx,0x1
        0xB8, 0x93, 0x08, 0x00, 0x00,                   // 14a mov eax,0x893
        0x0F, 0xA3, 0xF8,                               // 14f bt eax,edi
        0x72, 0x0F,                                     // 152 jb 163 <clock_getres+0x23>
        0xB9, 0x00, 0x09, 0x3D, 0x00,                   // 154 mov ecx,0x3d0900
        0xB8, 0x60, 0x00, 0x00, 0x00,                   // 159 mov eax,0x60
        0x0F, 0xA3, 0xF8,                               // 15e bt eax,edi
        0x73, 0x13,                                     // 161 jae 176 <clock_getres+0x36>
        0x48, 0x85, 0xF6,                               // 163 test rsi,rsi
        0x74, 0x0B,                                     // 166 je 173 <clock_getres+0x33>
        0x48, 0xC7, 0x06, 0x00, 0x00, 0x00, 0x00,       // 168 mov QWORD PTR [rsi],0x0
        0x48, 0x89, 0x4E, 0x08,                         // 16f mov QWORD PTR [rsi+0x8],rcx
        0x31, 0xC0,                                     // 173 xor eax,eax
        0xC3,                                           // 175 ret
        0xB8, 0xE5, 0x00, 0x00, 0x00,                   // 176 mov eax,0xe5
        0x0F, 0x05,                                     // 17b syscall
        0xC3,                                           // 17d ret
        0x66, 0x90,                                     // 17e xchg ax,ax
        // getcpu
        0x0F, 0x01, 0xF9,                               // 180 rdtscp
        0x48, 0x85, 0xFF,                               // 183 test rdi,rdi
        0x74, 0x02,                                     // 186 je 18a <getcpu+0xa>
        0x89, 0x0F,                                     // 188 mov DWORD PTR [rdi],ecx
        0x48, 0x85, 0xF6,                               // 18a test rsi,rsi
        0x74, 0x06,                                     // 18d je 195 <getcpu+0x15>
        0xC7, 0x06, 0x00, 0x00, 0x00, 0x00,             // 18f mov DWORD PTR [rsi],0x0
        0x31, 0xC0,                                     // 195 xor eax,eax
        0xC3,                                           // 197 ret
    ];
}
