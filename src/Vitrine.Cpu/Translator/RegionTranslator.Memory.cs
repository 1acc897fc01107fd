using Iced.Intel;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;

namespace Vitrine.Cpu.Translator;

/// <summary>Addresses and their translation by the TLB.</summary>
internal sealed unsafe partial class RegionTranslator
{
    private readonly SiteEntries _siteEntries = new(MaxSpan);

    /// <summary>The entry of the next fixed place.</summary>
    private int _nextFixed;

    /// <summary>The host register that holds a guest register; one that is in memory is loaded into <paramref name="temporary"/>.</summary>
    private int Read(int guest, int temporary)
    {
        int host = HostRegister.Of(guest);
        if (host >= 0)
            return host;
        if (_w.Holds(temporary, guest))
            return temporary;
        int holder = HolderOf(guest);
        if (holder < 0)
        {
            _w.LoadState(temporary, guest * 8);
            return temporary;
        }

        _w.Move(temporary, holder);
        _w.Hold(temporary, guest);
        return temporary;
    }

    /// <summary>The temporary that has a guest register's value from before; -1: none.</summary>
    private int HolderOf(int guest) => _w.Holds(T0, guest) ? T0 : _w.Holds(T1, guest) ? T1 : -1;

    /// <summary>
    /// Puts the new value of a guest register into memory; or leaves that to the next instruction, if it overwrites the register,
    /// takes the value from the temporary at most, and nobody can look in between.
    /// </summary>
    private void StoreGuest(int guest, int temporary)
    {
        if (temporary != T0 || !IsOverwrittenNext(guest))
        {
            _w.StoreState(guest * 8, temporary);
            return;
        }

        _w.GuestChanged(guest);
        _w.Hold(temporary, guest);
    }

    private bool IsOverwrittenNext(int guest)
    {
        int k = _current + 1;
        if (k >= _region.Count || _region.Instructions[k - 1].Continuation != RegionInstruction.Next)
            return false;
        ref RegionInstruction next = ref _region.Instructions[k];
        if (next.IsTarget || next.BeginsRun || next.IsEvent || next.Reads != 0 || next.NeedsRecord || !IsSimple(next.Kind) || !IsSimple(_region.Instructions[k - 1].Kind))
            return false;
        return IsRegister(next.Code, 0) && InstructionRules.WrittenRegisters(next) == 1 << guest && InstructionRules.SizeOf(next.Code, 0) >= 4;
    }

    private static bool IsSimple(InstructionKind kind) => kind is InstructionKind.Move or InstructionKind.MoveExtended or InstructionKind.Arithmetic
        or InstructionKind.Shift or InstructionKind.Invert or InstructionKind.LoadAddress or InstructionKind.SwapBytes or InstructionKind.Multiply;

    /// <summary>LEA of a memory operand's offset, without segment. Uses T0 and T1, changes no flags.</summary>
    private void EmitOffset(in Instruction i, int to, int size) => EmitAddress(PlaceOf(i), (int)(long)i.MemoryDisplacement64, to, HostRegister.T0, size);

    /// <summary>Loads a place's offset with a displacement, without segment. Uses T1 and a temporary, changes no flags.</summary>
    private void EmitAddress(int place, int displacement, int to, int temporary, int size)
    {
        int guest = place >> 8 & 255;
        int index = guest == NoRegister ? -1 : Read(guest, HostRegister.T1);
        int scale = place >> 16 & 255;
        int @base = place & 255;
        if (@base == CodePage)
        {
            _w.LoadState(temporary, CpuState.PageBaseOffset);
            _w.Lea(size, to, temporary, index, scale, displacement);
        }
        else if (@base != NoRegister)
        {
            _w.Lea(size, to, Read(@base, temporary), index, scale, displacement);
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

    /// <summary>Makes the memory operand reachable (<see cref="_at"/>). Uses T1; the host's flags are lost unless it was already.</summary>
    private void EmitOperand(ref RegionInstruction r, int size, bool write) =>
        EmitPointer(ref r, PlaceOf(r.Code), (int)(long)r.Code.MemoryDisplacement64, size, write);

    /// <summary>As <see cref="EmitOperand"/> for one that is read and written; with a LOCK prefix it must be aligned.</summary>
    private void EmitOperandToChange(ref RegionInstruction r, int size)
    {
        EmitOperand(ref r, size, true);
        if (r.Code.HasLockPrefix)
            EmitAlignment(ref r, size);
    }

    /// <summary>Makes a host address of an operand at a fixed distance from the code: as long as the code's page is the same, so is that.</summary>
    private void EmitFixedCheck(ref RegionInstruction r, int host, int distance, int size, int access, byte* again)
    {
        int site = SiteCache.EntrySize * (SiteCache.Readers + SiteCache.Writers + _nextFixed++);
        _w.LoadState(host, CpuState.PageBaseOffset);
        _w.State(0x3b, 8, host, SlotLayout.Sites + site);                     // cmp host, [code's page]
        ref Exit exit = ref NewMiss(_w.JumpIf(5), r, host, size, access, again);
        exit.IsFixed = true;
        exit.Distance = distance;
        exit.Site.Data = site;
        _w.LoadState(host, SlotLayout.Sites + site + SiteCache.FixedHost);
        _host = 0;
        _w.ForgetHeld(T1);
    }

    /// <summary>Makes a host address of the guest address in a host register; <paramref name="again"/> is where that is computed.</summary>
    /// <param name="asDistance">The distance from guest to host addresses is wanted instead.</param>
    private void EmitCheck(ref RegionInstruction r, int host, int size, int access, byte* again, bool asDistance)
    {
        int site = _siteEntries.Next(access != NativeSite.Read, asDistance, ref size);
        _w.State(0x2b, 8, host, SlotLayout.Sites + site + SiteCache.Start);   // sub host, [start]
        _w.State(0x3b, 8, host, SlotLayout.Sites + site + SiteCache.Limit);   // cmp host, [limit]
        ref Exit exit = ref NewMiss(_w.JumpIf(3), r, host, size, access, again);
        exit.Site.Data = site;
        exit.AsDistance = asDistance;
        _w.State(asDistance ? 0x8b : 0x03, 8, host, SlotLayout.Sites + site + SiteCache.Host);  // add host, [host], or mov
        exit.Behind = _w.Position;
        _host = 0;
        _w.ForgetHeld(T1);
    }

    private ref Exit NewMiss(int* from, in RegionInstruction r, int host, int size, int access, byte* again)
    {
        ref Exit exit = ref NewExit(NativeReason.Miss, from, r);
        exit.Resume = again;
        exit.Host = host;
        exit.Site.Size = (ushort)size;
        exit.Site.Extra = (ushort)access;
        return ref exit;
    }

    /// <summary>An access whose place doesn't have its page: looks into the TLB. Gives jumps that leave, with the address in the host register.</summary>
    private void EmitTlbCheck(ref Exit exit, out int* miss, out int* renewal)
    {
        int site = exit.Site.Data;
        int host = exit.Host;
        int tag = exit.Site.Extra != NativeSite.Read ? TlbTag.Write : TlbTag.Read;
        if (exit.IsFixed)
            _w.Lea(8, host, host, -1, 0, exit.Distance);
        else
            _w.State(0x03, 8, host, SlotLayout.Sites + site + SiteCache.Start);  // add host, [start]: the address again
        _w.Registers(0x8b, 4, HostRegister.T1, host);
        _w.Registers(0xc1, 4, 5, HostRegister.T1);                            // shr t1d, 7
        _w.Byte(7);
        _w.Immediate(4, 4, HostRegister.T1, (MemoryAccess.TlbEntries - 1) * 32);
        _w.StateIndexed(0x2b, 8, host, HostRegister.T1, 0, SlotLayout.Tlb + tag);
        _w.Immediate(7, 8, host, 4096 - exit.Site.Size);
        miss = _w.JumpIf(7);
        if (exit.IsFixed)
        {
            renewal = _w.Jump();
            return;
        }

        _w.State(0x83, 4, 5, SlotLayout.Sites + SiteCache.Countdown + site);  // sub [countdown], 1
        _w.Byte(1);
        renewal = _w.JumpIf(8);
        _w.StateIndexed(exit.AsDistance ? 0x8b : 0x03, 8, host, HostRegister.T1, 0, SlotLayout.Tlb + TlbTag.Host);
        if (exit.AsDistance)
            _w.StateIndexed(0x2b, 8, host, HostRegister.T1, 0, SlotLayout.Tlb + tag);
        _w.JumpTo(exit.Behind);
    }

    /// <summary>Gives an instruction its memory operand: the base register of that, for ModRM.rm.</summary>
    private int Operand(ref EncodedInstruction e)
    {
        e.IndexPlusOne = _atIndex + 1;
        e.Scale = _atScale;
        e.Displacement = _atDistance;
        return _at;
    }

    /// <summary>
    /// Writes an instruction with the operands of its ModRM byte in host registers; a memory operand is the one that has been made reachable.
    /// Registers that are in memory pass through T1 (ModRM.reg) and T0 (ModRM.rm).
    /// </summary>
    private void EmitEncoded(ref EncodedInstruction e, bool regIsGeneral, bool rmIsGeneral, bool regWritten, bool rmWritten)
    {
        int reg = regIsGeneral ? Read(e.Reg, HostRegister.T1) : e.Reg;
        int rm = e.IsMemory ? Operand(ref e) : rmIsGeneral ? Read(e.Rm, HostRegister.T0) : e.Rm;
        e.Write(_w, reg, rm);
        if (regIsGeneral && regWritten && reg == HostRegister.T1)
            StoreGuest(e.Reg, reg);
        if (!e.IsMemory && rmIsGeneral && rmWritten && rm == HostRegister.T0)
            StoreGuest(e.Rm, rm);
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
        if (rmInState && rmWritten && (!e.Wide || (readsTarget && HolderOf(e.Rm) >= 0)))
        {
            // A result of 32 bits clears the upper half, which memory would keep.
            if (readsTarget)
            {
                EmitEncoded(ref e, regIsGeneral, true, regWritten, rmWritten);
                return;
            }

            e.Write(_w, regIsGeneral ? Read(e.Reg, HostRegister.T1) : e.Reg, HostRegister.T0);
            _w.Changes(HostRegister.T0);
            StoreGuest(e.Rm, HostRegister.T0);
            return;
        }

        int reg = !regIsGeneral ? e.Reg : regInState && regWritten && !readsTarget ? HostRegister.T1 : Read(e.Reg, HostRegister.T1);
        int holder = rmInState ? HolderOf(e.Rm) : -1;
        if (holder >= 0 && !rmWritten && !(regWritten && holder == reg))
        {
            e.Write(_w, reg, holder);
        }
        else if (rmInState)
        {
            e.WriteInState(_w, reg, e.Rm * 8);
            if (rmWritten)
                _w.GuestChanged(e.Rm);
        }
        else
        {
            e.Write(_w, reg, e.IsMemory ? Operand(ref e) : HostRegister.Of(e.Rm));
        }

        if (regInState && regWritten)
            StoreGuest(e.Reg, reg);
    }
}
