using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Translator;

/// <summary>
/// Machine code that brings the flags on record into the host's flags register, for code that doesn't know which record it will
/// meet. One piece for each kind of record that the host can evaluate by itself; the others leave.
/// </summary>
internal static unsafe class FlagLoader
{
    private const int Rax = HostRegister.Rax, T0 = HostRegister.T0, T1 = HostRegister.T1;

    /// <summary>Bytes from one piece to the next, and how many there are: one for each kind and size.</summary>
    private const int PieceShift = 7;
    private const int Pieces = 16 * 4;

    /// <summary>
    /// Writes it. It expects a site in T1 and T0 kept in <c>MissAddress</c>, and goes on at the site's <c>Data</c> with T0 restored and
    /// the flags loaded; or leaves through the gate for <see cref="NativeReason.Flags"/>.
    /// </summary>
    public static void Write(MachineCodeWriter w, byte* gate)
    {
        w.StoreState(CpuState.NativeSiteOffset, T1);
        w.State(0x8b, 4, T1, CpuState.FlagKindOffset);
        w.Immediate(7, 4, T1, Pieces);
        int* overlaid = w.JumpIf(3);
        w.Registers(0xc1, 4, 4, T1);                                          // shl t1d
        w.Byte(PieceShift);
        w.Byte(0x4c);                                                         // lea t0, [pieces]
        w.Byte(0x8d);
        w.Byte(0x35);
        int* toPieces = (int*)w.Position;
        w.Int32(0);
        w.Registers(0x03, 8, T1, T0);
        w.Registers(0xff, 4, 4, T1);                                          // jmp t1

        byte* slow = w.Position;
        w.LandHere(overlaid);
        w.LoadState(T1, CpuState.NativeSiteOffset);
        w.JumpTo(gate);

        // Only moves from here on: they leave the flags alone.
        byte* loaded = w.Position;
        w.LoadState(T1, CpuState.NativeSiteOffset);
        w.Memory(0x63, 8, T0, T1, NativeSite.DataOffset);
        w.Lea(8, T1, T1, T0, 0, 0);
        w.LoadState(T0, CpuState.MissAddressOffset);
        w.Registers(0xff, 4, 4, T1);

        w.AlignAhead(0, 64);
        byte* pieces = w.Position;
        MachineCodeWriter.Land(toPieces, pieces);
        for (int word = 0; word < Pieces; word++)
        {
            w.MoveTo(pieces + (word << PieceShift));
            WritePiece(w, FlagRecord.KindOf((uint)word), FlagRecord.SizeOf((uint)word), loaded, slow);
        }

        w.MoveTo(pieces + (Pieces << PieceShift));
    }

    private static void WritePiece(MachineCodeWriter w, FlagKind kind, int size, byte* loaded, byte* slow)
    {
        switch (kind)
        {
            case FlagKind.Materialised when size == 1:
                WriteMaterialised(w, slow);
                break;
            case FlagKind.Bytes:
                WriteBytes(w);
                break;
            case FlagKind.Image:
                w.StoreState(CpuState.ScratchOffset, Rax);
                w.State(0x8b, 4, Rax, CpuState.FlagBOffset);
                WriteImage(w);
                break;
            case FlagKind.Add:
                WriteOperations(w, size, 0);
                break;
            case FlagKind.Subtract:
                WriteOperations(w, size, 7);
                break;
            case FlagKind.AddResult:
                WriteOperations(w, size, 5, 0);
                break;
            case FlagKind.SubtractResult:
                WriteOperations(w, size, 0, 7);
                break;
            case FlagKind.Logic:
                w.LoadState(T0, CpuState.FlagAOffset);
                w.Registers(size == 1 ? 0x84 : 0x85, size, T0, T0);
                break;
            default:
                w.JumpTo(slow);
                return;
        }

        w.JumpTo(loaded);
    }

    /// <summary>Operations of the 80h group on the record's operands.</summary>
    private static void WriteOperations(MachineCodeWriter w, int size, params ReadOnlySpan<int> operations)
    {
        w.LoadState(T0, CpuState.FlagAOffset);
        foreach (int operation in operations)
            w.State((operation << 3) | (size == 1 ? 2 : 3), size, T0, CpuState.FlagBOffset);
    }

    /// <summary>The interpreter's two words, unless they say something that no result says.</summary>
    private static void WriteMaterialised(MachineCodeWriter w, byte* slow)
    {
        w.LoadState(T0, CpuState.FlagAuxOffset);
        foreach (int bit in (ReadOnlySpan<int>)[CpuState.SignInvertPlace, CpuState.ParityInvertPlace])
        {
            w.Registers(0x0fba, 8, 4, T0);                                    // bt t0, bit
            w.Byte(bit);
            MachineCodeWriter.Land(w.JumpIf(2), slow);
        }

        w.StoreState(CpuState.ScratchOffset, Rax);
        w.LoadState(T1, CpuState.FlagResultOffset);
        w.Registers(0x85, 8, T1, T1);
        w.Byte(0x9f);                                                         // lahf: SF ZF PF, CF is clear
        w.Lea(8, T1, T0, T0, 0, 0);                                           // the top bit: CF xor OF
        w.Registers(0x33, 8, T1, T0);                                         // the top bit: OF
        w.Registers(0x03, 8, T0, T0);                                         // add t0, t0: CF
        w.Byte(0x80);                                                         // adc ah, 0
        w.Byte(0xd4);
        w.Byte(0);
        w.Registers(0xc1, 8, 5, T1);                                          // shr t1, 63
        w.Byte(63);
        w.Registers(0x8a, 1, Rax, T1);                                        // mov al, t1b
        WriteImage(w);
    }

    /// <summary>CF, PF and ZF from three bytes.</summary>
    private static void WriteBytes(MachineCodeWriter w)
    {
        w.StoreState(CpuState.ScratchOffset, Rax);
        w.State(0x8b, 4, T0, CpuState.FlagBOffset);
        w.Immediate(4, 4, T0, 0x010101);
        w.Registers(0x8b, 4, Rax, T0);
        w.Registers(0xc1, 4, 5, T0);                                          // shr t0d, 6: PF's byte to bit 2
        w.Byte(6);
        w.Registers(0x0b, 4, Rax, T0);
        w.Registers(0xc1, 4, 5, T0);                                          // shr t0d, 4: ZF's byte to bit 6
        w.Byte(4);
        w.Registers(0x0b, 4, Rax, T0);
        w.Immediate(4, 4, Rax, 0x45);
        w.Registers(0xc1, 4, 4, Rax);                                         // shl eax, 8
        w.Byte(8);
        WriteImage(w);
    }

    /// <summary>Loads the flags from AH, and OF from AL; RAX gets back what it had.</summary>
    public static void WriteImage(MachineCodeWriter w)
    {
        w.Byte(0x04);                                                         // add al, 7fh: OF if al was 1
        w.Byte(0x7f);
        w.Byte(0x9e);                                                         // sahf
        w.LoadState(Rax, CpuState.ScratchOffset);
    }
}
