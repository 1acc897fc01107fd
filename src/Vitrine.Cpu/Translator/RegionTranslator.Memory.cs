using Iced.Intel;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;

namespace Vitrine.Cpu.Translator;

/// <summary>Addresses and their translation by the TLB.</summary>
internal sealed unsafe partial class RegionTranslator
{
    /// <summary>The entries of the next places that read and write, used in turn, and of the next fixed one.</summary>
    private int _nextReader;
    private int _nextWriter;
    private int _nextFixed;

    /// <summary>An entry of <see cref="SiteCache"/>: several places may share one, but never one that reads and one that writes.</summary>
    private int NextSite(bool write) => SiteCache.EntrySize * (write
        ? SiteCache.Readers + (_nextWriter++ & (SiteCache.Writers - 1))
        : _nextReader++ & (SiteCache.Readers - 1));

    /// <summary>The host register that holds a guest register; one that is in memory is loaded into <paramref name="temporary"/>.</summary>
    private int Read(int guest, int temporary)
    {
        int host = HostRegister.Of(guest);
        if (host >= 0)
            return host;
        _w.LoadState(temporary, guest * 8);
        return temporary;
    }

    /// <summary>Loads a memory operand's address into T0. Uses T1. Changes the flags only with a segment.</summary>
    private void EmitAddress(in Instruction i)
    {
        EmitOffset(i, HostRegister.T0, 8);
        if (i.MemorySegment is Register.FS or Register.GS)
            _w.State(0x03, 8, HostRegister.T0, i.MemorySegment == Register.FS ? CpuState.FsBaseOffset : CpuState.GsBaseOffset);
    }

    /// <summary>LEA of a memory operand's offset, without segment. Uses T0 and T1, changes no flags.</summary>
    private void EmitOffset(in Instruction i, int to, int size)
    {
        int displacement = (int)(long)i.MemoryDisplacement64;
        int scale = System.Numerics.BitOperations.Log2((uint)i.MemoryIndexScale);
        int index = i.MemoryIndex == Register.None ? -1 : Read(InstructionRules.Number(i.MemoryIndex), HostRegister.T1);
        if (i.MemoryBase == Register.RIP)
        {
            _w.LoadState(HostRegister.T0, CpuState.PageBaseOffset);
            _w.Lea(size, to, HostRegister.T0, -1, 0, displacement);
        }
        else if (i.MemoryBase != Register.None)
        {
            int @base = Read(InstructionRules.Number(i.MemoryBase), HostRegister.T0);
            _w.Lea(size, to, @base, index, scale, displacement);
        }
        else if (index >= 0)
        {
            _w.LeaScaled(size, to, index, scale, displacement);
        }
        else
        {
            _w.Registers(0xc7, size, 0, to);
            _w.Int32(displacement);
        }
    }

    /// <summary>Makes a host address of the memory operand in T0. Uses T1; the host's flags are lost.</summary>
    private void EmitOperand(ref RegionInstruction r, int size, bool write)
    {
        byte* again = _w.Position;
        if (r.Code.MemoryBase == Register.RIP && r.Code.MemoryIndex == Register.None
            && r.Code.MemorySegment is not (Register.FS or Register.GS) && _nextFixed < SiteCache.Fixed)
        {
            EmitFixedCheck(ref r, size, write, again);
            return;
        }

        EmitAddress(r.Code);
        EmitCheck(ref r, size, write, again);
    }

    /// <summary>Makes a host address of an operand at a fixed distance from the code: as long as the code's page is the same, so is that.</summary>
    private void EmitFixedCheck(ref RegionInstruction r, int size, bool write, byte* again)
    {
        int site = SiteCache.EntrySize * (SiteCache.Readers + SiteCache.Writers + _nextFixed++);
        _w.LoadState(HostRegister.T0, CpuState.PageBaseOffset);
        _w.State(0x3b, 8, HostRegister.T0, SlotLayout.Sites + site);          // cmp t0, [code's page]
        ref Exit exit = ref NewExit(NativeReason.Miss, _w.JumpIf(5), r);
        exit.Resume = again;
        exit.IsFixed = true;
        exit.Distance = (int)(long)r.Code.MemoryDisplacement64;
        exit.Site.Size = (ushort)size;
        exit.Site.Extra = write ? (ushort)1 : (ushort)0;
        exit.Site.Data = site;
        _w.LoadState(HostRegister.T0, SlotLayout.Sites + site + 8);
        _host = 0;
    }

    /// <summary>As <see cref="EmitOperand"/> for one that is read and written; with a LOCK prefix it must be aligned.</summary>
    private void EmitOperandToChange(ref RegionInstruction r, int size)
    {
        EmitOperand(ref r, size, true);
        if (r.Code.HasLockPrefix)
            EmitAlignment(ref r, size);
    }

    /// <summary>Makes a host address of the guest address in T0; <paramref name="again"/> is where that is computed.</summary>
    private void EmitCheck(ref RegionInstruction r, int size, bool write, byte* again)
    {
        int site = NextSite(write);
        _w.State(0x2b, 8, HostRegister.T0, SlotLayout.Sites + site);          // sub t0, [page]
        _w.Immediate(7, 8, HostRegister.T0, 4096 - size);
        ref Exit exit = ref NewExit(NativeReason.Miss, _w.JumpIf(7), r);      // ja
        exit.Resume = again;
        exit.Site.Size = (ushort)size;
        exit.Site.Extra = write ? (ushort)1 : (ushort)0;
        exit.Site.Data = site;
        _w.State(0x03, 8, HostRegister.T0, SlotLayout.Sites + site + 8);      // add t0, [host]
        exit.Behind = _w.Position;
        _host = 0;
    }

    /// <summary>An access whose place doesn't have its page: looks into the TLB. Gives jumps that leave, with the address in T0.</summary>
    private void EmitTlbCheck(ref Exit exit, out int* miss, out int* renewal)
    {
        int site = exit.Site.Data;
        int tag = exit.Site.Extra != 0 ? TlbTag.Write : TlbTag.Read;
        if (exit.IsFixed)
            _w.Lea(8, HostRegister.T0, HostRegister.T0, -1, 0, exit.Distance);
        else
            _w.State(0x03, 8, HostRegister.T0, SlotLayout.Sites + site);      // add t0, [page]: the address again
        _w.Registers(0x8b, 4, HostRegister.T1, HostRegister.T0);
        _w.Registers(0xc1, 4, 5, HostRegister.T1);                            // shr t1d, 7
        _w.Byte(7);
        _w.Immediate(4, 4, HostRegister.T1, (MemoryAccess.TlbEntries - 1) * 32);
        _w.StateIndexed(0x2b, 8, HostRegister.T0, HostRegister.T1, 0, SlotLayout.Tlb + tag);
        _w.Immediate(7, 8, HostRegister.T0, 4096 - exit.Site.Size);
        miss = _w.JumpIf(7);
        if (exit.IsFixed)
        {
            renewal = _w.Jump();
            return;
        }

        _w.State(0x83, 4, 5, SlotLayout.Sites + SiteCache.Countdown + site);  // sub [countdown], 1
        _w.Byte(1);
        renewal = _w.JumpIf(8);
        _w.StateIndexed(0x03, 8, HostRegister.T0, HostRegister.T1, 0, SlotLayout.Tlb + TlbTag.Host);
        _w.JumpTo(exit.Behind);
    }

    /// <summary>Leaves to the interpreter unless the address in T0 is a multiple of a power of two.</summary>
    private void EmitAlignment(ref RegionInstruction r, int alignment)
    {
        if (alignment <= 1)
            return;
        _w.Registers(0xf6, 1, 0, HostRegister.T0);                            // test t0b, alignment - 1
        _w.Byte(alignment - 1);
        _ = NewExit(NativeReason.Slow, _w.JumpIf(5), r);
        _host = 0;
    }

    /// <summary>
    /// Writes an instruction with the operands of its ModRM byte in host registers; a memory operand's host address is in
    /// T0. Registers that are in memory pass through T1 (ModRM.reg) and T0 (ModRM.rm).
    /// </summary>
    private void EmitEncoded(ref EncodedInstruction e, bool regIsGeneral, bool rmIsGeneral, bool regWritten, bool rmWritten)
    {
        int reg = regIsGeneral ? Read(e.Reg, HostRegister.T1) : e.Reg;
        int rm = e.IsMemory ? HostRegister.T0 : rmIsGeneral ? Read(e.Rm, HostRegister.T0) : e.Rm;
        e.Write(_w, reg, rm);
        if (regIsGeneral && regWritten && reg == HostRegister.T1)
            _w.StoreState(e.Reg * 8, reg);
        if (!e.IsMemory && rmIsGeneral && rmWritten && rm == HostRegister.T0)
            _w.StoreState(e.Rm * 8, rm);
    }

    /// <summary>
    /// As <see cref="EmitEncoded"/>, for instructions whose ModRM.rm may as well be memory: a guest register that is in memory then
    /// needs no temporary.
    /// </summary>
    /// <param name="readsTarget">What is written is read before, or written in part only.</param>
    private void EmitPlain(ref EncodedInstruction e, bool regIsGeneral, bool regWritten, bool rmWritten, bool readsTarget = true)
    {
        bool regInState = regIsGeneral && HostRegister.Of(e.Reg) < 0;
        bool rmInState = !e.IsMemory && HostRegister.Of(e.Rm) < 0;
        if (rmInState && rmWritten && !e.Wide)
        {
            // A result of 32 bits clears the upper half, which memory would keep.
            if (readsTarget)
            {
                EmitEncoded(ref e, regIsGeneral, true, regWritten, rmWritten);
                return;
            }

            e.Write(_w, regIsGeneral ? Read(e.Reg, HostRegister.T1) : e.Reg, HostRegister.T0);
            _w.StoreState(e.Rm * 8, HostRegister.T0);
            return;
        }

        int reg = !regIsGeneral ? e.Reg : regInState && regWritten && !readsTarget ? HostRegister.T1 : Read(e.Reg, HostRegister.T1);
        if (rmInState)
            e.WriteInState(_w, reg, e.Rm * 8);
        else
            e.Write(_w, reg, e.IsMemory ? HostRegister.T0 : HostRegister.Of(e.Rm));
        if (regInState && regWritten)
            _w.StoreState(e.Reg * 8, reg);
    }
}
