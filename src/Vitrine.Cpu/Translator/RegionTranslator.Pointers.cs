using Iced.Intel;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;

namespace Vitrine.Cpu.Translator;

/// <summary>
/// Checks merged over accesses to one base. Two host registers keep host addresses of guest operands: what lies at another distance
/// from the same registers, within the bytes that were checked together, is accessed through them without a check of its own.
/// A pointer holds until the registers of its address change (but by a constant), another one takes its host register, or control may have come from
/// elsewhere. It holds across whatever leaves machine code and comes back, other than the interpreter's instructions: translations are taken away only at a region's or a loop's head.
/// </summary>
internal sealed unsafe partial class RegionTranslator
{
    /// <summary>Bytes that are checked together: objects in which they lie on two pages are accessed by other code.</summary>
    private const int MaxSpan = 512;

    /// <summary>How many instructions are looked at for accesses to check together.</summary>
    private const int MaxAhead = 48;

    /// <summary>The base of an operand that has none, and of one at a fixed distance from the code.</summary>
    private const int NoRegister = 16;
    private const int CodePage = 17;

    private const int PlaceOfStack = 4 | (NoRegister << 8);
    private const int PlaceOfFrame = 5 | (NoRegister << 8);

    private readonly Pointer[] _pointers = new Pointer[2];
    private readonly Pointer[] _inheritedPointers = new Pointer[Region.MaxInstructions * 2];

    /// <summary>The instruction being written.</summary>
    private int _current;

    /// <summary>False in code for operands that lie on two pages together: each is checked for itself.</summary>
    private bool _merges;

    /// <summary>Where the memory operand of the current instruction is: a host register, another one or -1, its scale's logarithm, and a distance.</summary>
    private int _at;
    private int _atIndex;
    private int _atScale;
    private int _atDistance;

    /// <summary>The pointer that it is reached by.</summary>
    private int _atPointer;

    /// <summary>What a host register points to. All distances are those of operands, as instructions tell them.</summary>
    private struct Pointer
    {
        public bool IsValid;

        /// <summary>See <see cref="PlaceOf"/>.</summary>
        public int Place;

        /// <summary>
        /// The register holds the distance from guest to host addresses: the base's own host register is a part of the address then, and
        /// nobody waits for the check.
        /// </summary>
        public bool IsDistance;

        /// <summary>The register holds the host address that the base stands for; the index is a part of the address: nobody who waits for that waits longer.</summary>
        public bool IsBase;

        /// <summary>Else it holds the host address of the operand at this distance; of a base, how much less that has become.</summary>
        public int At;

        /// <summary>What was checked, the end excluded; and that it may be written.</summary>
        public int From;
        public int To;
        public bool IsWritable;

        /// <summary>The last instruction that is known to want it.</summary>
        public int LastUse;

        /// <summary>The operand at this distance is known to be a multiple of the alignment; 0: none.</summary>
        public int AlignedAt;
        public int Alignment;
    }

    private static int HostOf(int pointer) => pointer == 0 ? T0 : HostRegister.Pointer;

    /// <summary>The registers that an operand's address is made of: base, index, its scale, and segment, a byte each.</summary>
    private static int PlaceOf(in Instruction i)
    {
        int @base = i.MemoryBase == Register.RIP ? CodePage : i.MemoryBase == Register.None ? NoRegister : InstructionRules.Number(i.MemoryBase);
        int index = i.MemoryIndex == Register.None ? NoRegister : InstructionRules.Number(i.MemoryIndex);
        int scale = i.MemoryIndex == Register.None ? 0 : System.Numerics.BitOperations.Log2((uint)i.MemoryIndexScale);
        int segment = i.MemorySegment == Register.FS ? 1 : i.MemorySegment == Register.GS ? 2 : 0;
        return @base | (index << 8) | (scale << 16) | (segment << 24);
    }

    private static bool DependsOn(int place, int registers)
    {
        int own = (1 << (place & 255)) | (1 << (place >> 8 & 255));
        return (own & registers & 0xffff) != 0;
    }

    private void ForgetPointers()
    {
        _pointers[0].IsValid = false;
        _pointers[1].IsValid = false;
        _w.Touched = 0;
        _w.ForgetHeld();
    }

    /// <summary>Pointers whose host register has been used for something else are gone.</summary>
    private void DropTouched()
    {
        for (int p = 0; p < _pointers.Length; p++)
        {
            if ((_w.Touched >> HostOf(p) & 1) != 0)
                _pointers[p].IsValid = false;
        }

        _w.Touched = 0;
    }

    /// <summary>Behind an instruction: what it has changed.</summary>
    private void AdjustPointers(in RegionInstruction r)
    {
        DropTouched();
        int written = InstructionRules.WrittenRegisters(r);
        if (written == 0)
            return;
        foreach (ref Pointer pointer in _pointers.AsSpan())
        {
            if (!pointer.IsValid || !DependsOn(pointer.Place, written))
                continue;
            if (!TryAdd(r, pointer.Place, written, out int added))
            {
                pointer.IsValid = false;
                continue;
            }

            pointer.At -= added;
            pointer.From -= added;
            pointer.To -= added;
            pointer.AlignedAt -= added;
        }
    }

    /// <summary>The instruction adds a constant to the base of a place and changes its address in no other way.</summary>
    private static bool TryAdd(in RegionInstruction r, int place, int written, out int added)
    {
        const int Most = 1 << 20;
        added = 0;
        int @base = place & 255;
        int index = place >> 8 & 255;
        if (@base >= NoRegister || (index < NoRegister && (written >> index & 1) != 0))
            return false;
        ref readonly Instruction i = ref r.Code;
        switch (r.Kind)
        {
            case InstructionKind.Push:
                added = -8;
                return @base == 4;
            case InstructionKind.Pop:
                added = 8;
                return @base == 4 && InstructionRules.Number(i.Op0Register) != 4;
            case InstructionKind.Arithmetic when i.Mnemonic is Mnemonic.Add or Mnemonic.Sub && IsRegister(i, 0) && !IsRegister(i, 1) && !IsMemory(i, 1):
                long value = (long)i.GetImmediate(1);
                if (value is <= -Most or >= Most)
                    return false;
                added = i.Mnemonic == Mnemonic.Add ? (int)value : -(int)value;
                break;
            case InstructionKind.IncrementDecrement when IsRegister(i, 0):
                added = i.Mnemonic == Mnemonic.Inc ? 1 : -1;
                break;
            case InstructionKind.LoadAddress when i.MemoryBase == i.Op0Register && i.MemoryIndex == Register.None:
                long distance = (long)i.MemoryDisplacement64;
                if (distance is <= -Most or >= Most)
                    return false;
                added = (int)distance;
                break;
            default:
                return false;
        }

        return i.Op0Register.GetSize() == 8 && InstructionRules.Number(i.Op0Register) == @base;
    }

    /// <summary>
    /// Makes the current instruction's operand reachable (<see cref="_at"/>): by a pointer that there is, or by a new one, which is checked for what
    /// follows, too. Uses T1 then, and the host's flags are lost.
    /// </summary>
    private void EmitPointer(ref RegionInstruction r, int place, int distance, int size, bool write)
    {
        DropTouched();
        for (int p = 0; p < _pointers.Length; p++)
        {
            ref Pointer known = ref _pointers[p];
            if (known.IsValid && known.Place == place && known.From <= distance && distance + size <= known.To && (known.IsWritable || !write))
            {
                Reach(p, distance);
                return;
            }
        }

        var made = new Pointer { IsValid = true, Place = place, From = distance, To = distance + size, IsWritable = write, LastUse = _current };
        if (_merges)
            LookAhead(ref made);
        int chosen = ChoosePointer(made.LastUse);
        int host = HostOf(chosen);
        int access = !made.IsWritable ? NativeSite.Read : write ? NativeSite.Write : NativeSite.WriteLater;

        // Who leaves and begins again finds other things in these.
        _w.ForgetHeld(T1);
        _w.ForgetHeld(host);
        byte* again = _w.Position;
        if (place == (CodePage | (NoRegister << 8)) && _nextFixed < SiteCache.Fixed)
        {
            EmitFixedCheck(ref r, host, made.From, made.To - made.From, access, again);
        }
        else
        {
            bool hasBase = (place & 255) < NoRegister && HostRegister.Of(place & 255) >= 0;
            bool hasIndex = (place >> 8 & 255) != NoRegister;
            made.IsDistance = place >> 24 == 0 && hasBase && !hasIndex;
            made.IsBase = place >> 24 == 0 && !write && hasIndex && HostRegister.Of(place >> 8 & 255) >= 0 && (hasBase || (place & 255) == NoRegister);
            EmitAddress(place, made.From, host, host, 8);
            if (place >> 24 != 0)
                _w.State(0x03, 8, host, place >> 24 == 1 ? CpuState.FsBaseOffset : CpuState.GsBaseOffset);
            EmitCheck(ref r, host, made.To - made.From, access, again, made.IsDistance || made.IsBase);
            if (made.IsBase && hasBase)
                _w.Registers(0x03, 8, host, HostRegister.Of(place & 255));
        }

        made.At = made.IsBase ? 0 : made.From;

        if (made.To - made.From > size)
            _exits[_exitCount - 1].Site.Number = (byte)(made.LastUse - _current + 1);
        if (r.Aligned)
            _exits[_exitCount - 1].Site.Alignment = (byte)(System.Numerics.BitOperations.Log2(r.VectorSize) << 5 | ((made.From - distance) & (r.VectorSize - 1)));
        _w.Touched &= ~(1 << host);
        _pointers[chosen] = made;
        Reach(chosen, distance);
    }

    private void Reach(int p, int distance)
    {
        ref Pointer pointer = ref _pointers[p];
        _at = pointer.IsDistance ? HostRegister.Of(pointer.Place & 255) : HostOf(p);
        _atIndex = pointer.IsDistance ? HostOf(p) : pointer.IsBase ? HostRegister.Of(pointer.Place >> 8 & 255) : -1;
        _atScale = pointer.IsBase ? pointer.Place >> 16 & 255 : 0;
        _atDistance = pointer.IsDistance ? distance : distance - pointer.At;
        _atPointer = p;
    }

    /// <summary>The pointer to give up for a new one, which is wanted up to an instruction.</summary>
    private int ChoosePointer(int lastUse)
    {
        bool firstIsFree = !_pointers[0].IsValid || _pointers[0].LastUse <= _current;
        bool secondIsFree = !_pointers[1].IsValid || _pointers[1].LastUse <= _current;

        // The first one's register is a temporary of many instructions, too.
        if (lastUse > _current)
            return secondIsFree ? 1 : 0;
        return !secondIsFree || (firstIsFree && !_w.HoldsAny(T0)) ? 0 : 1;
    }

    /// <summary>
    /// Widens a pointer that is about to be made by what the next instructions access. A write counts only if it is certain to come: a page
    /// isn't to become dirty otherwise.
    /// </summary>
    private void LookAhead(ref Pointer made)
    {
        RegionInstruction[] all = _region.Instructions;
        int added = 0;
        bool certain = true;
        int end = Math.Min(_region.Count, _current + MaxAhead);
        for (int k = _current; k < end; k++)
        {
            ref RegionInstruction r = ref all[k];
            if (r.Kind == InstructionKind.Interpreted || (k > _current && r.IsTarget))
                return;
            if (InstructionRules.HasMemory(r.Code) && r.Kind is not (InstructionKind.LoadAddress or InstructionKind.Nothing) && PlaceOf(r.Code) == made.Place)
            {
                int size = r.Kind is InstructionKind.Vector or InstructionKind.VectorCompare or InstructionKind.StringCompare ? r.VectorSize : r.Code.MemorySize.GetSize();
                Widen(ref made, (long)r.Code.MemoryDisplacement64 + added, size, r.WritesMemory, certain, k);
            }

            switch (r.Kind)
            {
                case InstructionKind.Push or InstructionKind.Call or InstructionKind.CallIndirect when made.Place == PlaceOfStack:
                    Widen(ref made, added - 8, 8, true, certain, k);
                    break;
                case InstructionKind.Pop or InstructionKind.Return when made.Place == PlaceOfStack:
                case InstructionKind.Leave when made.Place == PlaceOfFrame:
                    Widen(ref made, added, 8, false, certain, k);
                    break;
                case InstructionKind.JumpIf:
                    certain = false;
                    break;
            }

            if (r.Continuation != RegionInstruction.Next)
                return;
            int written = InstructionRules.WrittenRegisters(r);
            if (!DependsOn(made.Place, written))
                continue;
            if (!TryAdd(r, made.Place, written, out int more))
                return;
            added += more;
        }
    }

    private static void Widen(ref Pointer made, long from, int size, bool write, bool certain, int k)
    {
        long to = from + size;
        if (write && !made.IsWritable && !certain)
            return;
        long newFrom = Math.Min(from, made.From);
        long newTo = Math.Max(to, made.To);
        if (newTo - newFrom > MaxSpan || newFrom < int.MinValue || newTo > int.MaxValue)
            return;

        // What lies at a distance from the code is known to be on another page than the rest.
        if ((made.Place & 255) == CodePage && newFrom >> 12 != (newTo - 1) >> 12)
            return;
        made.From = (int)newFrom;
        made.To = (int)newTo;
        made.IsWritable |= write;
        made.LastUse = k;
    }

    /// <summary>Leaves to the interpreter unless the operand lies at a multiple of a power of two. May use T1.</summary>
    private void EmitAlignment(ref RegionInstruction r, int alignment)
    {
        if (alignment <= 1)
            return;
        ref Pointer pointer = ref _pointers[_atPointer];
        int distance = pointer.IsDistance ? _atDistance : pointer.At + _atDistance;
        if (pointer.Alignment >= alignment && ((distance - pointer.AlignedAt) & (alignment - 1)) == 0)
            return;
        int tested = _at;
        if ((_atDistance & (alignment - 1)) != 0 || pointer.IsBase)
        {
            tested = T1;
            _w.Lea(8, T1, _at, pointer.IsBase ? _atIndex : -1, _atScale, _atDistance);
        }

        _w.Registers(0xf6, 1, 0, tested);                                     // test byte, alignment - 1
        _w.Byte(alignment - 1);
        _ = NewExit(NativeReason.Slow, _w.JumpIf(5), r);
        _host = 0;
        pointer.Alignment = alignment;
        pointer.AlignedAt = distance;
    }

    /// <summary>The operand's value, zero-extended.</summary>
    private void LoadOperand(int size, int register) =>
        _w.Memory(size switch { 1 => 0x0fb6, 2 => 0x0fb7, _ => 0x8b }, Math.Max(size, 4), register, _at, _atIndex, _atScale, _atDistance);

    private void StoreOperand(int size, int register) => AtOperand(size == 1 ? 0x88 : 0x89, size, register);

    /// <summary>An instruction with the operand.</summary>
    private void AtOperand(int opcode, int size, int register) => _w.Memory(opcode, size, register, _at, _atIndex, _atScale, _atDistance);
}
