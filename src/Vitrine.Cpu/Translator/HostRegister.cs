namespace Vitrine.Cpu.Translator;

/// <summary>
/// Where guest registers are while machine code runs. Most keep their number. RSP holds the address of
/// <see cref="State.CpuState"/> plus <see cref="StateBias"/>, so nothing may push; R14 and R15 are temporaries, R12 keeps a host address;
/// the guest's RSP is in R13; the guest's R12 to R15 stay in memory. Vector registers keep their numbers.
/// </summary>
internal static class HostRegister
{
    public const int Rax = 0;
    public const int Rcx = 1;
    public const int Rdx = 2;
    public const int Rbx = 3;
    public const int Rsp = 4;
    public const int Rbp = 5;
    public const int Rsi = 6;
    public const int Rdi = 7;

    /// <summary>Holds the host address of an operand that several instructions access.</summary>
    public const int Pointer = 12;

    /// <summary>Holds the address of the processor's state.</summary>
    public const int State = 4;

    /// <summary>Holds the guest's RSP.</summary>
    public const int GuestStack = 13;

    /// <summary>First temporary: often the host address of a memory operand.</summary>
    public const int T0 = 14;

    /// <summary>Second temporary.</summary>
    public const int T1 = 15;

    /// <summary>RSP points this far into the state: what is ahead of it lies in the red zone, which signal handlers leave alone.</summary>
    public const int StateBias = 128;

    /// <summary>The host register that holds a guest register, or -1 for one that is in memory.</summary>
    public static int Of(int guest) => guest == 4 ? GuestStack : guest < 12 ? guest : -1;
}
