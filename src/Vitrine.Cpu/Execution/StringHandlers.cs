using System.Runtime.CompilerServices;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Execution;

/// <summary>Repeat prefixes, as <see cref="Op.Aux"/> of string operations.</summary>
internal enum Repeat : byte
{
    Once = 0,
    WhileCount = 1,
    WhileEqual = 2,
    WhileNotEqual = 3,
}

/// <summary>
/// MOVS STOS LODS SCAS CMPS. A repeated one works in spans that stay within pages; after each the registers are
/// exact, and RIP stays on the instruction until the count is zero, so it can fault and be interrupted anywhere.
/// S is the offset of the source segment's base.
/// </summary>
internal static unsafe class StringHandlers
{
    [MethodImpl(Always)]
    private static ulong Register(CpuState* c, Op* o, int n) => (o->Flags & OpFlags.Address32) != 0 ? (uint)c->Gpr[n] : c->Gpr[n];

    [MethodImpl(Always)]
    private static void Advance(CpuState* c, Op* o, int n, long delta) =>
        c->Gpr[n] = (o->Flags & OpFlags.Address32) != 0 ? (uint)(c->Gpr[n] + (ulong)delta) : c->Gpr[n] + (ulong)delta;

    [MethodImpl(Always)]
    private static bool Backward(CpuState* c) => (c->SystemFlags & 0x400) != 0;

    [MethodImpl(Always)]
    private static long Step<TSize>(CpuState* c) where TSize : struct, ISize => Backward(c) ? -TSize.Bytes : TSize.Bytes;

    /// <summary>Elements from an address to the page's end in the direction of travel, 0 if the first one crosses.</summary>
    [MethodImpl(Always)]
    private static ulong InPage<TSize>(CpuState* c, ulong address) where TSize : struct, ISize
    {
        ulong offset = address & 4095;
        if (Backward(c))
            return offset + (ulong)TSize.Bytes > 4096 ? 0 : offset / (ulong)TSize.Bytes + 1;
        return (4096 - offset) / (ulong)TSize.Bytes;
    }

    /// <summary>As <see cref="InPage"/> at RSI; and with 32-bit addressing the offset wraps before the segment's base is added.</summary>
    [MethodImpl(Always)]
    private static ulong InSource<TSize>(CpuState* c, Op* o, ulong address) where TSize : struct, ISize
    {
        ulong n = InPage<TSize>(c, address);
        if ((o->Flags & OpFlags.Address32) == 0)
            return n;
        ulong offset = (uint)c->Gpr[6];
        return Math.Min(n, (Backward(c) ? offset : (1UL << 32) - offset - 1) / (ulong)TSize.Bytes + (Backward(c) ? 1UL : 0));
    }

    /// <summary>Stepping goes element by element.</summary>
    [MethodImpl(Always)]
    private static bool InSpans(CpuState* c, bool repeat) => repeat && !ByElement(c);

    [MethodImpl(Always)]
    private static bool ByElement(CpuState* c) => c->Stepping != 0 && (c->Stepping & (int)StepFlags.WholeRepeat) == 0;

    /// <summary>True if the repeated instruction has to let the driver look up before it goes on.</summary>
    [MethodImpl(Always)]
    private static bool MustPause(CpuState* c) => Volatile.Read(ref c->External) != 0 || ByElement(c);

    /// <summary>Leaves with RIP on the instruction, which goes on later.</summary>
    private static Op* Pause(CpuState* c, Op* o) => Leave.Before(c, o, c->Stepping != 0 ? LeaveReason.StepDone : LeaveReason.Lookup);

    [MethodImpl(Handler)]
    public static Op* Move<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        bool repeat = o->Aux != 0;
        if (repeat && Register(c, o, 1) == 0)
            return o[1].Fn(c, o + 1);
        ulong segment = *(ulong*)((byte*)c + o->S);
        long step = Step<TSize>(c);
        while (true)
        {
            ulong from = Register(c, o, 6) + segment;
            ulong to = Register(c, o, 7);
            ulong n = InSpans(c, repeat) ? Math.Min(Register(c, o, 1), Math.Min(InSource<TSize>(c, o, from), InPage<TSize>(c, to))) : 1;
            if (n <= 1)
            {
                n = 1;
                if (!MemoryAccess.TryLoad<TSize>(c, o, from, out ulong v) || !MemoryAccess.TryStore<TSize>(c, o, to, v))
                    return o;
            }
            else
            {
                if (!MemoryAccess.TryReadable(c, o, from, TSize.Bytes, out byte* s) || !MemoryAccess.TryWritable(c, o, to, TSize.Bytes, out byte* d))
                    return o;

                // SAFETY: both spans stay in their pages.
                ulong bytes = n * (ulong)TSize.Bytes;
                if (step > 0 && (d <= s || d >= s + bytes))
                {
                    Buffer.MemoryCopy(s, d, bytes, bytes);
                }
                else if (step < 0 && (d >= s || d + bytes <= s))
                {
                    long back = (long)bytes - TSize.Bytes;
                    Buffer.MemoryCopy(s - back, d - back, bytes, bytes);
                }
                else
                {
                    for (ulong i = 0; i < n; i++, s += step, d += step)
                        TSize.Store(d, TSize.Load(s));
                }
            }

            Advance(c, o, 6, step * (long)n);
            Advance(c, o, 7, step * (long)n);
            if (!repeat)
                break;
            Advance(c, o, 1, -(long)n);
            if (Register(c, o, 1) == 0)
                break;
            if (MustPause(c))
                return Pause(c, o);
        }

        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* Store<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        bool repeat = o->Aux != 0;
        if (repeat && Register(c, o, 1) == 0)
            return o[1].Fn(c, o + 1);
        long step = Step<TSize>(c);
        ulong v = TSize.Truncate(c->Gpr[0]);
        while (true)
        {
            ulong to = Register(c, o, 7);
            ulong n = InSpans(c, repeat) ? Math.Min(Register(c, o, 1), InPage<TSize>(c, to)) : 1;
            if (n <= 1)
            {
                n = 1;
                if (!MemoryAccess.TryStore<TSize>(c, o, to, v))
                    return o;
            }
            else
            {
                if (!MemoryAccess.TryWritable(c, o, to, TSize.Bytes, out byte* d))
                    return o;

                // SAFETY: the span stays in its page.
                byte* low = step > 0 ? d : d - (long)(n - 1) * TSize.Bytes;
                if (TSize.Bytes == 1)
                {
                    Unsafe.InitBlockUnaligned(low, (byte)v, (uint)n);
                }
                else
                {
                    for (ulong i = 0; i < n; i++)
                        TSize.Store(low + i * (ulong)TSize.Bytes, v);
                }
            }

            Advance(c, o, 7, step * (long)n);
            if (!repeat)
                break;
            Advance(c, o, 1, -(long)n);
            if (Register(c, o, 1) == 0)
                break;
            if (MustPause(c))
                return Pause(c, o);
        }

        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* Load<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        bool repeat = o->Aux != 0;
        if (repeat && Register(c, o, 1) == 0)
            return o[1].Fn(c, o + 1);
        ulong segment = *(ulong*)((byte*)c + o->S);
        long step = Step<TSize>(c);
        while (true)
        {
            if (!MemoryAccess.TryLoad<TSize>(c, o, Register(c, o, 6) + segment, out ulong v))
                return o;
            TSize.StoreRegister((byte*)&c->Gpr[0], v);
            Advance(c, o, 6, step);
            if (!repeat)
                break;
            Advance(c, o, 1, -1);
            if (Register(c, o, 1) == 0)
                break;
            if (MustPause(c))
                return Pause(c, o);
        }

        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* Scan<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        var repeat = (Repeat)o->Aux;
        if (repeat != Repeat.Once && Register(c, o, 1) == 0)
            return o[1].Fn(c, o + 1);
        long step = Step<TSize>(c);
        ulong a = TSize.Truncate(c->Gpr[0]);
        while (true)
        {
            if (!MemoryAccess.TryLoad<TSize>(c, o, Register(c, o, 7), out ulong b))
                return o;
            Advance(c, o, 7, step);
            FlagRules.Difference<TSize>(c, a, b, a - b);
            if (repeat == Repeat.Once)
                break;
            Advance(c, o, 1, -1);
            if (Register(c, o, 1) == 0 || (a == b) != (repeat == Repeat.WhileEqual))
                break;
            if (MustPause(c))
                return Pause(c, o);
        }

        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* Compare<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        var repeat = (Repeat)o->Aux;
        if (repeat != Repeat.Once && Register(c, o, 1) == 0)
            return o[1].Fn(c, o + 1);
        ulong segment = *(ulong*)((byte*)c + o->S);
        long step = Step<TSize>(c);
        while (true)
        {
            if (!MemoryAccess.TryLoad<TSize>(c, o, Register(c, o, 6) + segment, out ulong a) ||
                !MemoryAccess.TryLoad<TSize>(c, o, Register(c, o, 7), out ulong b))
                return o;
            Advance(c, o, 6, step);
            Advance(c, o, 7, step);
            FlagRules.Difference<TSize>(c, a, b, a - b);
            if (repeat == Repeat.Once)
                break;
            Advance(c, o, 1, -1);
            if (Register(c, o, 1) == 0 || (a == b) != (repeat == Repeat.WhileEqual))
                break;
            if (MustPause(c))
                return Pause(c, o);
        }

        return o[1].Fn(c, o + 1);
    }
}
