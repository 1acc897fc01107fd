using Iced.Intel;

namespace Vitrine.Cpu.Translator;

/// <summary>
/// Instructions in a row that push or pop, as functions begin and end with: one check serves them all. Where it fails, be it only
/// because they reach into two pages, they are executed from a second copy that checks each of them.
/// </summary>
internal sealed unsafe partial class RegionTranslator
{
    private const int MaxGroups = Region.MaxInstructions / 2;

    /// <summary>As many as there are registers to save, and a return.</summary>
    private const int MaxGrouped = 16;

    private readonly Group[] _groups = new Group[MaxGroups];
    private int _groupCount;

    private struct Group
    {
        public short First;
        public short Number;

        /// <summary>Ahead of the first.</summary>
        public KnownFlags Flags;

        /// <summary>Where the copy is, and where the original goes on.</summary>
        public byte* Copy;
        public byte* Behind;
    }

    /// <summary>How many instructions from here on make a group; less than 2: none.</summary>
    private int GroupAt(int k)
    {
        RegionInstruction[] all = _region.Instructions;
        InstructionKind kind = all[k].Kind;
        if (kind is not (InstructionKind.Push or InstructionKind.Pop) || _groupCount == MaxGroups)
            return 0;
        int n = 0;
        while (n < MaxGrouped && k + n < _region.Count && all[k + n].Kind == kind && (n == 0 || !all[k + n].BeginsRun) && IsGroupable(all[k + n].Code))
        {
            n++;
            if (all[k + n - 1].Continuation != RegionInstruction.Next)
                return n;
        }

        if (kind == InstructionKind.Pop && n > 0 && k + n < _region.Count && all[k + n].Kind == InstructionKind.Return && !all[k + n].BeginsRun)
            n++;
        return n;
    }

    private static bool IsGroupable(in Instruction i) =>
        i.Op0Kind != OpKind.Memory && (i.Op0Kind != OpKind.Register || InstructionRules.Number(i.Op0Register) != 4);

    private void EmitGroup(int k, int n)
    {
        RegionInstruction[] all = _region.Instructions;
        ref Group group = ref _groups[_groupCount];
        group = new Group { First = (short)k, Number = (short)n, Flags = Known() };
        int record = _record;
        for (int j = k; j < k + n; j++)
            KeepOperands(all[j]);
        bool pushes = all[k].Kind == InstructionKind.Push;
        byte* again = _w.Position;
        _w.Lea(8, T0, Stack, -1, 0, pushes ? -8 * n : 0);
        EmitCheck(ref all[k], 8 * n, pushes, again);
        _exits[_exitCount - 1].Group = (short)++_groupCount;
        bool returns = all[k + n - 1].Kind == InstructionKind.Return;
        int moved = returns ? n - 1 : n;
        for (int j = 0; j < moved; j++)
        {
            ref Instruction i = ref all[k + j].Code;
            if (pushes)
                EmitGroupedPush(i, 8 * (n - 1 - j));
            else
                EmitGroupedPop(i, 8 * j);
        }

        _w.Lea(8, Stack, Stack, -1, 0, pushes ? -8 * moved : 8 * moved);
        for (int j = k; j < k + moved; j++)
            DropOperands(all[j], record);
        if (returns)
        {
            _w.Memory(0x8b, 8, T0, T0, 8 * moved);
            EmitReturnTo(ref all[k + n - 1]);
        }

        group.Behind = _w.Position;
    }

    private void EmitGroupedPush(in Instruction i, int offset)
    {
        if (i.Op0Kind == OpKind.Register)
        {
            _w.Memory(0x89, 8, Read(InstructionRules.Number(i.Op0Register), T1), T0, offset);
            return;
        }

        _w.Memory(0xc7, 8, 0, T0, offset);
        _w.Int32((int)(long)i.GetImmediate(0));
    }

    private void EmitGroupedPop(in Instruction i, int offset)
    {
        int guest = InstructionRules.Number(i.Op0Register);
        int to = HostRegister.Of(guest);
        _w.Memory(0x8b, 8, to < 0 ? T1 : to, T0, offset);
        if (to < 0)
            _w.StoreState(guest * 8, T1);
    }

    /// <summary>The group with a check for each instruction.</summary>
    private void EmitGroupCopy(ref Group group)
    {
        group.Copy = _w.Position;
        TakeFlags(group.Flags);
        for (int j = group.First; j < group.First + group.Number; j++)
            _ = EmitKeeping(j);
        if (_region.Instructions[group.First + group.Number - 1].Kind != InstructionKind.Return)
            _w.JumpTo(group.Behind);
    }
}
