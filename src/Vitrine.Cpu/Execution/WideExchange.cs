using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Vitrine.Cpu.Execution;

/// <summary>
/// The 128-bit compare and exchange that .NET lacks, as a few bytes of machine code in executable memory. Made at
/// first use; where that is not possible the instruction runs while all other processors stand still.
/// </summary>
internal static unsafe partial class WideExchange
{
    private static readonly delegate* unmanaged<byte*, ulong*, ulong*, ulong, ulong, int> Stub = Emit();

    public static bool IsSupported => Stub != null;

    /// <summary>Compares 16 aligned bytes with low:high. Equal: stores and gives true; else low and high become what was there.</summary>
    public static bool CompareExchange(byte* target, ulong* low, ulong* high, ulong newLow, ulong newHigh) =>
        Stub(target, low, high, newLow, newHigh) != 0;

    private static delegate* unmanaged<byte*, ulong*, ulong*, ulong, ulong, int> Emit()
    {
        if (!X86Base.X64.IsSupported || !OperatingSystem.IsLinux())
            return null;

        // System V: rdi target, rsi low, rdx high, rcx newLow, r8 newHigh.
        ReadOnlySpan<byte> code =
        [
            0x53,                         // push rbx
            0x49, 0x89, 0xd1,             // mov r9, rdx
            0x48, 0x89, 0xcb,             // mov rbx, rcx
            0x4c, 0x89, 0xc1,             // mov rcx, r8
            0x48, 0x8b, 0x06,             // mov rax, [rsi]
            0x49, 0x8b, 0x11,             // mov rdx, [r9]
            0xf0, 0x48, 0x0f, 0xc7, 0x0f, // lock cmpxchg16b [rdi]
            0x48, 0x89, 0x06,             // mov [rsi], rax
            0x49, 0x89, 0x11,             // mov [r9], rdx
            0x0f, 0x94, 0xc0,             // sete al
            0x0f, 0xb6, 0xc0,             // movzx eax, al
            0x5b,                         // pop rbx
            0xc3,                         // ret
        ];
        const int ReadWrite = 3;
        const int ReadExecute = 5;
        const int PrivateAnonymous = 0x22;
        nint page = Map(0, 4096, ReadWrite, PrivateAnonymous, -1, 0);
        if (page == -1)
            return null;

        // SAFETY: the page is ours, fresh and writable; the code follows the ABI of the pointer type.
        code.CopyTo(new Span<byte>((void*)page, code.Length));
        if (Protect(page, 4096, ReadExecute) != 0)
            return null;
        return (delegate* unmanaged<byte*, ulong*, ulong*, ulong, ulong, int>)page;
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(nint address, nuint length, int protection);
}
