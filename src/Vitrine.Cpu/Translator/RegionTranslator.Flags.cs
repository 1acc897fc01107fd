using Vitrine.Cpu.State;
using static Vitrine.Cpu.Translator.FlagRecord;

namespace Vitrine.Cpu.Translator;

/// <summary>Where the guest's flags are, at each point of the code.</summary>
internal sealed unsafe partial class RegionTranslator
{
    /// <summary>Guest flags that the host's flags register holds.</summary>
    private int _host;

    /// <summary>The record's word, or <see cref="NativeSite.Unknown"/>: then it is the one in memory.</summary>
    private uint _flags;

    /// <summary>A known word is in memory, too.</summary>
    private bool _flagsStored;

    /// <summary>Nothing is known but that the record in memory is right.</summary>
    private void ForgetFlags()
    {
        _host = 0;
        _flags = NativeSite.Unknown;
        _flagsStored = true;
    }

    private void SetFlags(uint word)
    {
        _flags = word;
        _flagsStored = false;
    }

    /// <summary>Sees to it that memory alone tells the flags. Changes no flag of the host.</summary>
    private void StoreFlags()
    {
        if (_flagsStored)
            return;
        _w.StoreState32(CpuState.FlagKindOffset, _flags);
        _flagsStored = true;
    }

    /// <summary>Brings guest flags into the host's flags register. Uses T1.</summary>
    private void NeedFlags(int flags, in RegionInstruction r)
    {
        if ((_host & flags) == flags)
            return;
        if (_flags != NativeSite.Unknown && _flags >> 16 == 0)
        {
            int size = SizeOf(_flags);
            switch (KindOf(_flags))
            {
                case FlagKind.Add:
                    _w.LoadState(HostRegister.T1, CpuState.FlagAOffset);
                    _w.State(size == 1 ? 0x02 : 0x03, size, HostRegister.T1, CpuState.FlagBOffset);
                    _host = All;
                    return;
                case FlagKind.Subtract:
                    _w.LoadState(HostRegister.T1, CpuState.FlagAOffset);
                    _w.State(size == 1 ? 0x3a : 0x3b, size, HostRegister.T1, CpuState.FlagBOffset);
                    _host = All;
                    return;
                case FlagKind.Logic:
                    _w.LoadState(HostRegister.T1, CpuState.FlagAOffset);
                    _w.Registers(size == 1 ? 0x84 : 0x85, size, HostRegister.T1, HostRegister.T1);
                    _host = All & ~Adjust;
                    return;
            }
        }

        LoadFlags(r);
    }

    /// <summary>Leaves to have the record evaluated, and takes the result over.</summary>
    /// <remarks>T0 keeps its value.</remarks>
    private void LoadFlags(in RegionInstruction r)
    {
        StoreFlags();
        _w.StoreState(CpuState.MissAddressOffset, HostRegister.T0);
        ref Exit exit = ref NewExit(NativeReason.Flags, _w.Jump(), r);
        exit.Resume = _w.Position;
        exit.Site.Flags = NativeSite.Unknown;
        _w.LoadState(HostRegister.T0, CpuState.MissAddressOffset);
        _w.StoreState(CpuState.ScratchOffset, HostRegister.Rax);
        _w.State(0x8b, 4, HostRegister.Rax, CpuState.FlagImageOffset);
        _w.Byte(0x04);                                                        // add al, 7fh: OF if al was 1
        _w.Byte(0x7f);
        _w.Byte(0x9e);                                                        // sahf
        _w.LoadState(HostRegister.Rax, CpuState.ScratchOffset);
        ForgetFlags();
        _host = All;
    }

    /// <summary>The result of an instruction that keeps some flags: noted over the record of what was before.</summary>
    /// <remarks>Call <see cref="PrepareOverlay"/> before the instruction is written.</remarks>
    private void SetOverlay(FlagOverlay overlay, int size)
    {
        uint word = Word(overlay, size);
        if (_flags == NativeSite.Unknown)
        {
            // mov word [kind + 2], overlay
            _w.State(0xc7, 2, 0, CpuState.FlagKindOffset + 2);
            _w.Int16((int)(word >> 16));
        }
        else
        {
            SetFlags((_flags & 0xffff) | word);
        }
    }

    /// <summary>Makes room for an overlay: one of the other sort that is there already would be lost.</summary>
    private void PrepareOverlay(bool changesCarry, in RegionInstruction r)
    {
        if (_flags != NativeSite.Unknown)
        {
            uint overlay = _flags >> 16;
            if (overlay == 0 || overlay >= 0x8000 == changesCarry)
                return;
            StoreFlags();
            ForgetFlags();
        }

        // Overlays that change the carry have the word's top bit; the others are small numbers.
        byte* again = _w.Position;
        _w.State(0x83, changesCarry ? 2 : 4, 7, CpuState.FlagKindOffset + (changesCarry ? 2 : 0));
        _w.Byte(0);
        ref Exit exit = ref NewExit(NativeReason.Flags, _w.JumpIf(changesCarry ? 15 : 12), r);
        exit.Resume = again;
        exit.Site.Flags = NativeSite.Unknown;
        _host = 0;
    }
}
