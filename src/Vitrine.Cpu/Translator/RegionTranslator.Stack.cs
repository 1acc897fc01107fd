using Iced.Intel;

namespace Vitrine.Cpu.Translator;

/// <summary>
/// Instructions in a row that push or pop, as functions begin and end with: one check serves them all, and the stack pointer moves once.
/// </summary>
internal sealed unsafe partial class RegionTranslator
{
    /// <summary>As many as there are registers to save, and a return.</summary>
    private const int MaxGrouped = 16;

    /// <summary>How many instructions from here on make a group; less than 2: none.</summary>
    private int GroupAt(int k)
    {
        RegionInstruction[] all = _region.Instructions;
        InstructionKind kind = all[k].Kind;
        if (kind is not (InstructionKind.Push or InstructionKind.Pop) || !_merges)
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
        int record = _record;
        for (int j = k; j < k + n; j++)
            KeepOperands(all[j]);
        bool pushes = all[k].Kind == InstructionKind.Push;
        _current = k;
        EmitPointer(ref all[k], PlaceOfStack, pushes ? -8 * n : 0, 8 * n, pushes);
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

        if (returns)
            _w.Memory(0x8b, 8, T0, _at, _atIndex, _atScale, _atDistance + (8 * moved));
        _w.Lea(8, Stack, Stack, -1, 0, pushes ? -8 * moved : 8 * moved);
        for (int j = k; j < k + moved; j++)
        {
            DropOperands(all[j], record);
            AdjustPointers(all[j]);
        }

        if (returns)
            EmitReturnTo(ref all[k + n - 1]);
    }

    private void EmitGroupedPush(in Instruction i, int offset)
    {
        if (i.Op0Kind == OpKind.Register)
        {
            _w.Memory(0x89, 8, Read(InstructionRules.Number(i.Op0Register), T1), _at, _atIndex, _atScale, _atDistance + offset);
            return;
        }

        _w.Memory(0xc7, 8, 0, _at, _atIndex, _atScale, _atDistance + offset);
        _w.Int32((int)(long)i.GetImmediate(0));
    }

    private void EmitGroupedPop(in Instruction i, int offset)
    {
        int guest = InstructionRules.Number(i.Op0Register);
        int to = HostRegister.Of(guest);
        _w.Memory(0x8b, 8, to < 0 ? T1 : to, _at, _atIndex, _atScale, _atDistance + offset);
        if (to < 0)
            _w.StoreState(guest * 8, T1);
    }
}
