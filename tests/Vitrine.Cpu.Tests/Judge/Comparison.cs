using System.Globalization;
using System.Text;
using Iced.Intel;

namespace Vitrine.Cpu.Tests.Judge;

/// <summary>
/// Compares what the host's processor and the interpreter made of an instance. Everything must be equal but
/// what Intel's manual leaves undefined; each such rule stands in <see cref="UndefinedFlags"/>,
/// <see cref="Undefined"/> or <see cref="Approximation"/> with its reason.
/// </summary>
/// <remarks>
/// Not compared: RF, which only the saved flags of a fault show; the x87 unit's last-instruction pointers and
/// opcode, which processors record at different occasions (CPUID.7.EBX[6], AMD's "only when an exception is pending").
/// </remarks>
internal sealed unsafe class Comparison
{
    private const ulong ResumeFlag = 1 << 16;
    private readonly byte[] _pristine = Arena.PristineContent();
    private readonly StringBuilder _differences = new();
    private bool _isSequence;

    /// <summary>Null if they agree, else what differs, host first.</summary>
    /// <param name="form">The form, whose rules apply.</param>
    /// <param name="instruction">The instruction.</param>
    /// <param name="instance">What both started from.</param>
    /// <param name="host">What the host's processor made of it.</param>
    /// <param name="guest">What the interpreter made of it.</param>
    /// <param name="sequenceFlags">For a sequence: RFLAGS bits that are undefined at its end.</param>
    public string? Differences(Form form, in Instruction instruction, Instance* instance, Result* host, Result* guest, ulong? sequenceFlags = null)
    {
        _differences.Clear();
        _isSequence = sequenceFlags is not null;
        MachineState* h = &host->State, g = &guest->State;

        // A processor may touch all of an area, or only the parts that it needs.
        if (form.IsExtendedState && host->Vector == 14 && guest->Vector != 14)
            return null;
        if (host->Vector != guest->Vector)
        {
            Note("vector", host->Vector, guest->Vector);
            if (guest->Vector == 14 || host->Vector == 14)
                Note("cr2", host->Cr2, guest->Cr2);
            return _differences.ToString();
        }

        ComparePageFault(form, host, guest);
        if (h->Rip != g->Rip)
            Note("rip", h->Rip, g->Rip);

        // A fault with RIP behind the instruction is one of the next fetch.
        bool completed = host->Vector is 1 or 3 or 4 || h->Rip != instance->State.Rip;
        ulong undefined = sequenceFlags ?? (completed ? UndefinedFlags.Of(form, instruction, &instance->State) : 0);
        ulong flagMask = ~(ResumeFlag | undefined);
        if (((h->Rflags ^ g->Rflags) & flagMask) != 0)
            Note("rflags", h->Rflags & flagMask, g->Rflags & flagMask);

        for (int i = 0; i < 16; i++)
        {
            if (h->Gpr[i] != g->Gpr[i] && !(completed && Undefined.Register(form, instruction, &instance->State, i, h->Gpr[i], g->Gpr[i])))
                Note(RegisterName(i), h->Gpr[i], g->Gpr[i]);
        }

        if (h->FsBase != g->FsBase)
            Note("fsbase", h->FsBase, g->FsBase);
        if (h->GsBase != g->GsBase)
            Note("gsbase", h->GsBase, g->GsBase);
        for (int i = 0; i < 6; i++)
        {
            // A return to user mode may clear a null selector's low bits.
            if (host->Selectors[i] != guest->Selectors[i] && (host->Selectors[i] | guest->Selectors[i]) > 3)
                Note("selector " + "csdsesfsgsss".Substring(2 * i, 2), host->Selectors[i], guest->Selectors[i]);
        }

        CompareFloatingPoint(form, instruction, instance, h, g, completed);
        CompareMemory(form, instruction, instance, host, guest);
        return _differences.Length == 0 ? null : _differences.ToString();
    }

    private void ComparePageFault(Form form, Result* host, Result* guest)
    {
        if (host->Vector != 14)
            return;

        // Which of its bytes an access of more than 16 bytes touches first, and in which order a far return or
        // interrupt return reads the stack, is the processor's choice.
        long room = form.Mnemonic is Mnemonic.Retf or Mnemonic.Iret or Mnemonic.Iretd or Mnemonic.Iretq ? 40 : _isSequence ? 32 : form.MemoryBytes > 10 ? form.MemoryBytes : 1;
        if (Math.Abs((long)(host->Cr2 - guest->Cr2)) >= room)
            Note("cr2", host->Cr2, guest->Cr2);

        // For addresses of its own, Linux reports "present" whatever the truth is.
        const ulong lastUserPage = 0x7fff_ffff_f000;
        uint present = host->Cr2 >= lastUserPage ? 1u : 0;
        if (((host->Error ^ guest->Error) & ~present) != 0)
            Note("error", host->Error, guest->Error);
    }

    private void CompareFloatingPoint(Form form, in Instruction instruction, Instance* instance, MachineState* h, MachineState* g, bool completed)
    {
        if (h->Mxcsr != g->Mxcsr)
            Note("mxcsr", h->Mxcsr, g->Mxcsr);
        if (h->Fcw != g->Fcw)
            Note("fcw", h->Fcw, g->Fcw);

        // Whether the change to MMX state precedes a fault of these instructions is not written down.
        if (!completed && form.Mnemonic is Mnemonic.Cvtps2pi or Mnemonic.Cvttps2pi or Mnemonic.Cvtpd2pi or Mnemonic.Cvttpd2pi or Mnemonic.Maskmovq && MadeMmxState(instance, h, g))
            return;
        int status = h->Fsw ^ g->Fsw;
        if (completed)
            status &= ~UndefinedFlags.OfStatusWord(form, instruction);
        if (_isSequence)
            status &= ~0x4700;
        if (status != 0)
            Note("fsw", h->Fsw, g->Fsw);
        if (h->Ftw != g->Ftw)
            Note("ftw", h->Ftw, g->Ftw);
        for (int i = 0; i < 8; i++)
        {
            ulong hostTop = h->St((2 * i) + 1) & 0xffff, guestTop = g->St((2 * i) + 1) & 0xffff;
            if ((h->St(2 * i) != g->St(2 * i) || hostTop != guestTop)
                && !Approximation.Extended(form, i, h->St(2 * i), hostTop, g->St(2 * i), guestTop))
                Note($"st{i}", h->St(2 * i), g->St(2 * i), hostTop, guestTop);
        }

        for (int i = 0; i < 16; i++)
        {
            bool low = h->Xmm(2 * i) != g->Xmm(2 * i) || h->Xmm((2 * i) + 1) != g->Xmm((2 * i) + 1);
            bool high = h->YmmHigh(2 * i) != g->YmmHigh(2 * i) || h->YmmHigh((2 * i) + 1) != g->YmmHigh((2 * i) + 1);
            if ((!low && !high) || Approximation.Singles(form, instruction, instance, h, g, i))
                continue;
            if (low)
                Note($"xmm{i}", h->Xmm(2 * i), g->Xmm(2 * i), h->Xmm((2 * i) + 1), g->Xmm((2 * i) + 1));
            if (high)
                Note($"ymm{i} high", h->YmmHigh(2 * i), g->YmmHigh(2 * i), h->YmmHigh((2 * i) + 1), g->YmmHigh((2 * i) + 1));
        }
    }

    /// <summary>True if one is in MMX state, the other as before, and their registers hold the same.</summary>
    private static bool MadeMmxState(Instance* instance, MachineState* h, MachineState* g)
    {
        if (h->Ftw != 0xff || (h->Fsw & 0x3800) != 0 || g->Ftw != instance->State.Ftw || g->Fsw != instance->State.Fsw)
            return false;
        int top = g->Fsw >> 11;
        for (int i = 0; i < 8; i++)
        {
            int physical = (top + i) & 7;
            if (h->St(2 * physical) != g->St(2 * i) || (ushort)h->St((2 * physical) + 1) != (ushort)g->St((2 * i) + 1))
                return false;
        }

        for (int i = 0; i < 32; i++)
        {
            if (h->Xmm(i) != g->Xmm(i))
                return false;
        }

        return true;
    }

    private void CompareMemory(Form form, in Instruction instruction, Instance* instance, Result* host, Result* guest)
    {
        ReadOnlySpan<MemoryDifference> h = host->DifferenceList, g = guest->DifferenceList;
        if (Same(h, g))
            return;

        // Slow path: byte by byte, leaving out what is not defined.
        var before = (byte[])_pristine.Clone();
        foreach (Patch patch in instance->PatchList)
            instance->BytesOf(patch).CopyTo(before.AsSpan((int)patch.ArenaOffset));
        byte[] hostBytes = Applied(before, h), guestBytes = Applied(before, g);
        int shown = 0;
        for (int i = 0; i < hostBytes.Length && shown < 24; i++)
        {
            if (hostBytes[i] == guestBytes[i] || Undefined.Memory(form, instruction, instance, i, host->Vector == 14))
                continue;
            Note($"[{AddressOf(i):x}]", hostBytes[i], guestBytes[i]);
            shown++;
        }
    }

    private static bool Same(ReadOnlySpan<MemoryDifference> a, ReadOnlySpan<MemoryDifference> b)
    {
        if (a.Length != b.Length)
            return false;
        for (int i = 0; i < a.Length; i++)
        {
            if (a[i].ArenaOffset != b[i].ArenaOffset || a[i].Value != b[i].Value)
                return false;
        }

        return true;
    }

    private static byte[] Applied(byte[] before, ReadOnlySpan<MemoryDifference> differences)
    {
        var bytes = (byte[])before.Clone();
        foreach (MemoryDifference d in differences)
            BitConverter.TryWriteBytes(bytes.AsSpan((int)d.ArenaOffset), d.Value);
        return bytes;
    }

    private static ulong AddressOf(int arenaOffset) => Arena.Pages[arenaOffset >> 12].Address + (ulong)(arenaOffset & 4095);

    public static string RegisterName(int i) => i switch
    {
        0 => "rax",
        1 => "rcx",
        2 => "rdx",
        3 => "rbx",
        4 => "rsp",
        5 => "rbp",
        6 => "rsi",
        7 => "rdi",
        _ => $"r{i}",
    };

    private void Note(string what, ulong host, ulong guest) =>
        _differences.Append(CultureInfo.InvariantCulture, $" {what}: {host:x} got {guest:x};");

    private void Note(string what, ulong hostLow, ulong guestLow, ulong hostHigh, ulong guestHigh) =>
        _differences.Append(CultureInfo.InvariantCulture, $" {what}: {hostHigh:x}_{hostLow:x16} got {guestHigh:x}_{guestLow:x16};");
}
