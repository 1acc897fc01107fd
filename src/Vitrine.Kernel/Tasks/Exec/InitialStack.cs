using System.Buffers.Binary;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Tasks.Exec;

/// <summary>
/// Builds a new program's stack as Linux lays it out: from the top an empty word, the path, environment and argument
/// strings, then platform, random bytes, auxiliary vector, environment and argument pointers, and the count at RSP.
/// </summary>
internal sealed class InitialStack
{
    private const int RandomBytes = 16;

    public required MmStruct Mm { get; init; }

    public required ExecArguments Strings { get; init; }

    public required byte[] Path { get; init; }

    public required ElfImage Image { get; init; }

    /// <summary>Where the image was moved to.</summary>
    public required ulong Bias { get; init; }

    /// <summary>Where the interpreter was mapped; 0: there is none.</summary>
    public required ulong InterpreterBase { get; init; }

    public required Credentials Credentials { get; init; }

    /// <summary>AT_SECURE: the program runs with more rights than its caller.</summary>
    public required bool IsSecure { get; init; }

    /// <summary>CPUID.1:EDX.</summary>
    public required uint HardwareCapabilities { get; init; }

    /// <summary>Puts it there. The new stack pointer.</summary>
    public async KTask<Result<ulong>> BuildAsync(Task current, AddressLayout layout)
    {
        ulong top = Mm.StackTop.Value - sizeof(ulong);
        ulong pathAt = top - (ulong)Path.Length - 1;
        ulong environmentAt = pathAt;
        foreach (byte[] text in Strings.Environment)
            environmentAt -= (ulong)text.Length + 1;
        ulong argumentsAt = environmentAt;
        foreach (byte[] text in Strings.Arguments)
            argumentsAt -= (ulong)text.Length + 1;
        ulong below = (argumentsAt - layout.StackOffset()) & ~15UL;
        ulong platformAt = below - 7;
        ulong randomAt = platformAt - RandomBytes;

        ulong[] auxiliary = MakeAuxiliary(pathAt, platformAt, randomAt);
        int words = 1 + Strings.Arguments.Count + 1 + Strings.Environment.Count + 1 + auxiliary.Length;
        ulong stackPointer = (randomAt - ((ulong)words * sizeof(ulong))) & ~15UL;

        byte[] bytes = new byte[Mm.StackTop.Value - stackPointer];
        Span<byte> at = bytes;
        WriteWord(ref at, (ulong)Strings.Arguments.Count);
        ulong next = argumentsAt;
        foreach (byte[] text in Strings.Arguments)
            WritePointer(ref at, ref next, text);
        WriteWord(ref at, 0);
        next = environmentAt;
        foreach (byte[] text in Strings.Environment)
            WritePointer(ref at, ref next, text);
        WriteWord(ref at, 0);
        foreach (ulong word in auxiliary)
            WriteWord(ref at, word);
        current.Kernel.Entropy.Fill(bytes.AsSpan((int)(randomAt - stackPointer), RandomBytes));
        "x86_64"u8.CopyTo(bytes.AsSpan((int)(platformAt - stackPointer)));
        int position = (int)(argumentsAt - stackPointer);
        foreach (byte[] text in Strings.Arguments)
            WriteText(bytes, ref position, text);
        foreach (byte[] text in Strings.Environment)
            WriteText(bytes, ref position, text);
        WriteText(bytes, ref position, Path);

        Errno error = await Mm.WriteRemoteAsync(current, new VirtAddr(stackPointer), bytes);
        if (error != Errno.Success)
            return error == Errno.EFAULT ? Errno.E2BIG : error;
        Mm.ArgStart = new VirtAddr(argumentsAt);
        Mm.ArgEnd = Mm.EnvStart = new VirtAddr(environmentAt);
        Mm.EnvEnd = new VirtAddr(pathAt);
        Mm.StartStack = new VirtAddr(stackPointer);
        Mm.SavedAuxv = auxiliary;
        return stackPointer;
    }

    private static void WriteWord(ref Span<byte> at, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(at, value);
        at = at[sizeof(ulong)..];
    }

    private static void WritePointer(ref Span<byte> at, ref ulong next, byte[] text)
    {
        WriteWord(ref at, next);
        next += (ulong)text.Length + 1;
    }

    private static void WriteText(byte[] bytes, ref int position, byte[] text)
    {
        text.CopyTo(bytes, position);
        position += text.Length + 1;
    }

    private ulong[] MakeAuxiliary(ulong pathAt, ulong platformAt, ulong randomAt)
    {
        var entries = new List<ulong>(48);
        void Add(AuxiliaryType type, ulong value)
        {
            entries.Add((ulong)type);
            entries.Add(value);
        }

        if (Mm.VdsoBase.Value != 0)
            Add(AuxiliaryType.SysinfoHeader, Mm.VdsoBase.Value);
        Add(AuxiliaryType.MinimumSignalStack, Mm.Kernel.FpuState.MinimumStackSize);
        Add(AuxiliaryType.HardwareCapabilities, HardwareCapabilities);
        Add(AuxiliaryType.PageSize, Page.Size);
        Add(AuxiliaryType.ClockTicks, Ticks.PerSecond);
        Add(AuxiliaryType.ProgramHeaders, Image.ProgramHeadersAddress == 0 ? 0 : Image.ProgramHeadersAddress + Bias);
        Add(AuxiliaryType.ProgramHeaderSize, ElfProgramHeader.Size);
        Add(AuxiliaryType.ProgramHeaderCount, Image.Header.ProgramHeaderCount);
        Add(AuxiliaryType.InterpreterBase, InterpreterBase);
        Add(AuxiliaryType.Flags, 0);
        Add(AuxiliaryType.Entry, Image.Header.Entry + Bias);
        Add(AuxiliaryType.Uid, Credentials.Uid.Value);
        Add(AuxiliaryType.EffectiveUid, Credentials.Euid.Value);
        Add(AuxiliaryType.Gid, Credentials.Gid.Value);
        Add(AuxiliaryType.EffectiveGid, Credentials.Egid.Value);
        Add(AuxiliaryType.Secure, IsSecure ? 1UL : 0);
        Add(AuxiliaryType.Random, randomAt);
        Add(AuxiliaryType.HardwareCapabilities2, Cpu.CpuModel.HardwareCapabilities2(Mm.Kernel.Complex.Level));
        Add(AuxiliaryType.ExecutableName, pathAt);
        Add(AuxiliaryType.Platform, platformAt);
        Add(AuxiliaryType.RseqFeatureSize, RseqArea.FeatureSize);
        Add(AuxiliaryType.RseqAlignment, RseqArea.Alignment);
        Add(AuxiliaryType.Null, 0);
        return [.. entries];
    }
}
