namespace Vitrine.Kernel.Syscalls.Tracing;

/// <summary>
/// What of a call's arguments strace shows that their types don't say: which the kernel writes, and which don't count
/// for the operation at hand.
/// </summary>
internal static class TraceCalls
{
    /// <summary>Whether the kernel writes what the argument points to, so that it is shown when the call has returned.</summary>
    public static bool IsOutput(int number, int index) => (number, index) switch
    {
        (13, 2) or (14, 2) or (22, 0) or (35, 1) or (36, 1) or (38, 2) or (53, 3) or (61, 1) or (61, 3) => true,
        (96, 0) or (96, 1) or (97, 1) or (98, 1) or (127, 0) or (128, 1) or (131, 1) or (148, 1) => true,
        (223, 3) or (224, 1) or (228, 1) or (229, 1) or (230, 3) or (247, 2) or (286, 3) or (287, 1) or (293, 0) or (302, 3) => true,
        _ => false,
    };

    /// <summary>How many arguments are shown: an open that creates nothing has no mode, and so on.</summary>
    public static int ArgumentCount(TraceCall call)
    {
        const ulong create = 0x40;
        const ulong temporary = 0x410000;
        int declared = call.Info?.Arguments.Length ?? 6;
        SyscallArguments a = call.Arguments;
        switch (call.Number)
        {
            case 2:
                return (a.A1 & create) != 0 || (a.A1 & temporary) == temporary ? declared : 2;
            case 257:
                return (a.A2 & create) != 0 || (a.A2 & temporary) == temporary ? declared : 3;
            case 25:
                return (a.A3 & 2) != 0 ? declared : 4;
            case 72:
                // F_GETFD, F_GETFL, F_GETOWN, F_GETSIG, F_GETLEASE, F_GETPIPE_SZ, F_GET_SEALS
                return a.A1 is 1 or 3 or 9 or 11 or 1025 or 1032 or 1034 ? 2 : declared;
            case 202:
                return (a.A1 & 0x7f) switch
                {
                    1 => 3, // FUTEX_WAKE
                    0 or 6 => 4, // FUTEX_WAIT, FUTEX_LOCK_PI
                    7 or 8 => 2, // FUTEX_UNLOCK_PI, FUTEX_TRYLOCK_PI
                    _ => declared,
                };
            default:
                return declared;
        }
    }

    /// <summary>The format of an argument whose declaration names none and whose type alone doesn't tell.</summary>
    public static string? FormatOf(int number, int index) => (number, index) switch
    {
        (0, 1) or (17, 1) => "out-buffer",
        (1, 1) or (18, 1) => "buffer:2",
        (9, 5) => "hex",
        (13, 1) or (13, 2) => "sigaction",
        (14, 1) or (14, 2) or (127, 0) or (130, 0) => "sigset",
        (21, 1) or (269, 2) or (439, 2) => "access",
        (4, 1) or (5, 1) or (6, 1) or (262, 2) => "stat",
        (7, 0) or (271, 0) => "pollfd:1",
        (16, 1) => "ioctl",
        (20, 1) => "iovec:2",
        (22, 0) or (293, 0) or (53, 3) => "fdpair",
        (61, 1) => "wstatus",
        (293, 1) => "pipe-flags",
        (56, 0) => "clone-flags",
        (202, 1) => "futex-op",
        (72, 1) => "fcntl",
        (62, 1) or (200, 1) or (234, 2) or (13, 0) => "signal",
        (89, 1) or (267, 2) => "out-string",
        (158, 0) => "arch-prctl",
        (157, 0) => "prctl",
        (218, 0) => "pointer",
        (233, 1) => "epoll-op",
        (233, 3) => "epoll-event",
        (291, 0) => "epoll-flags",
        (290, 1) => "eventfd-flags",
        (318, 2) => "getrandom",
        (334, 3) => "hex",
        (435, 0) => "clone-args",
        _ => null,
    };
}
