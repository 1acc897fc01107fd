global using unsafe OpFunction = delegate*<Vitrine.Cpu.State.CpuState*, Vitrine.Cpu.Execution.Op*, Vitrine.Cpu.Execution.Op*>;

using Vitrine.Cpu.Execution;

namespace Vitrine.Cpu.Decoding;

/// <summary>
/// From operand sizes and forms to handlers. Each method names its handlers explicitly, so nothing is looked up by
/// reflection; they are small and generic, so that only what a program uses is ever compiled.
/// </summary>
internal static unsafe class HandlerSelection
{
    public static OpFunction Arithmetic<TOp>(int size, OperandForm form, bool quiet, bool locked)
        where TOp : struct, IArithmetic => size switch
        {
            1 => Arithmetic<TOp, Byte1>(form, false, locked),
            2 => Arithmetic<TOp, Byte2>(form, false, locked),
            4 => Arithmetic<TOp, Byte4>(form, quiet, locked),
            _ => Arithmetic<TOp, Byte8>(form, quiet, locked),
        };

    private static OpFunction Arithmetic<TOp, TSize>(OperandForm form, bool quiet, bool locked)
        where TOp : struct, IArithmetic
        where TSize : struct, ISize
    {
        if (locked)
            return ArithmeticLocked<TOp, TSize>(form);
        return form switch
        {
            OperandForm.RegisterRegister => quiet ? &ArithmeticHandlers.ToRegister<TOp, TSize, FromRegister, No> : &ArithmeticHandlers.ToRegister<TOp, TSize, FromRegister, Yes>,
            OperandForm.RegisterImmediate => quiet ? &ArithmeticHandlers.ToRegister<TOp, TSize, FromImmediate, No> : &ArithmeticHandlers.ToRegister<TOp, TSize, FromImmediate, Yes>,
            OperandForm.RegisterMemory => quiet ? &ArithmeticHandlers.ToRegister<TOp, TSize, FromMemory, No> : &ArithmeticHandlers.ToRegister<TOp, TSize, FromMemory, Yes>,
            OperandForm.MemoryRegister => &ArithmeticHandlers.ToMemory<TOp, TSize, FromRegister>,
            OperandForm.MemoryImmediate => &ArithmeticHandlers.ToMemory<TOp, TSize, FromImmediate>,
            _ => null,
        };
    }

    private static OpFunction ArithmeticLocked<TOp, TSize>(OperandForm form)
        where TOp : struct, IArithmetic
        where TSize : struct, ISize =>
        form == OperandForm.MemoryRegister ? &ArithmeticHandlers.ToMemoryLocked<TOp, TSize, FromRegister> : &ArithmeticHandlers.ToMemoryLocked<TOp, TSize, FromImmediate>;

    public static OpFunction Unary<TOp>(int size, bool memory, bool locked)
        where TOp : struct, IUnary => size switch
        {
            1 => Unary<TOp, Byte1>(memory, locked),
            2 => Unary<TOp, Byte2>(memory, locked),
            4 => Unary<TOp, Byte4>(memory, locked),
            _ => Unary<TOp, Byte8>(memory, locked),
        };

    private static OpFunction Unary<TOp, TSize>(bool memory, bool locked)
        where TOp : struct, IUnary
        where TSize : struct, ISize =>
        !memory ? &ArithmeticHandlers.UnaryRegister<TOp, TSize>
        : locked ? &ArithmeticHandlers.UnaryMemoryLocked<TOp, TSize> : &ArithmeticHandlers.UnaryMemory<TOp, TSize>;

    public static OpFunction Shift<TOp>(int size, bool memory, bool byCl)
        where TOp : struct, IShift => size switch
        {
            1 => Shift<TOp, Byte1>(memory, byCl),
            2 => Shift<TOp, Byte2>(memory, byCl),
            4 => Shift<TOp, Byte4>(memory, byCl),
            _ => Shift<TOp, Byte8>(memory, byCl),
        };

    private static OpFunction Shift<TOp, TSize>(bool memory, bool byCl)
        where TOp : struct, IShift
        where TSize : struct, ISize => (memory, byCl) switch
        {
            (false, false) => &ShiftHandlers.Register<TOp, TSize, ImmediateCount>,
            (false, true) => &ShiftHandlers.Register<TOp, TSize, ClCount>,
            (true, false) => &ShiftHandlers.Memory<TOp, TSize, ImmediateCount>,
            (true, true) => &ShiftHandlers.Memory<TOp, TSize, ClCount>,
        };

    public static OpFunction DoubleShift(int size, bool memory, bool byCl) => size switch
    {
        2 => DoubleShift<Byte2>(memory, byCl),
        4 => DoubleShift<Byte4>(memory, byCl),
        _ => DoubleShift<Byte8>(memory, byCl),
    };

    private static OpFunction DoubleShift<TSize>(bool memory, bool byCl)
        where TSize : struct, ISize => (memory, byCl) switch
        {
            (false, false) => &ShiftHandlers.DoubleRegister<TSize, ImmediateCount>,
            (false, true) => &ShiftHandlers.DoubleRegister<TSize, ClCount>,
            (true, false) => &ShiftHandlers.DoubleMemory<TSize, ImmediateCount>,
            (true, true) => &ShiftHandlers.DoubleMemory<TSize, ClCount>,
        };

    public static OpFunction Move(int size, OperandForm form) => size switch
    {
        1 => Move<Byte1>(form),
        2 => Move<Byte2>(form),
        4 => Move<Byte4>(form),
        _ => Move<Byte8>(form),
    };

    private static OpFunction Move<TSize>(OperandForm form)
        where TSize : struct, ISize => form switch
        {
            OperandForm.RegisterRegister => &MoveHandlers.ToRegister<TSize, FromRegister>,
            OperandForm.RegisterImmediate => &MoveHandlers.ToRegister<TSize, FromImmediate>,
            OperandForm.RegisterMemory => &MoveHandlers.Load<TSize>,
            OperandForm.MemoryRegister => &MoveHandlers.ToMemory<TSize, FromRegister>,
            OperandForm.MemoryImmediate => &MoveHandlers.ToMemory<TSize, FromImmediate>,
            _ => null,
        };

    public static OpFunction Extend(int to, int from, bool memory, bool signed) => to switch
    {
        2 => Extend<Byte2>(from, memory, signed),
        4 => Extend<Byte4>(from, memory, signed),
        _ => Extend<Byte8>(from, memory, signed),
    };

    private static OpFunction Extend<TTo>(int from, bool memory, bool signed)
        where TTo : struct, ISize => from switch
        {
            1 => Extend<TTo, Byte1>(memory, signed),
            2 => Extend<TTo, Byte2>(memory, signed),
            _ => Extend<TTo, Byte4>(memory, signed),
        };

    private static OpFunction Extend<TTo, TFrom>(bool memory, bool signed)
        where TTo : struct, ISize
        where TFrom : struct, ISize => (memory, signed) switch
        {
            (false, false) => &MoveHandlers.ZeroExtend<TTo, TFrom, FromRegister>,
            (false, true) => &MoveHandlers.SignExtend<TTo, TFrom, FromRegister>,
            (true, false) => &MoveHandlers.ZeroExtend<TTo, TFrom, FromMemory>,
            (true, true) => &MoveHandlers.SignExtend<TTo, TFrom, FromMemory>,
        };

    /// <summary>Which of eight condition pairs, by the upper three bits of the encoding's condition.</summary>
    public static OpFunction ConditionalMove(int pair, int size, bool memory) => pair switch
    {
        0 => ConditionalMove<IfOverflow>(size, memory),
        1 => ConditionalMove<IfBelow>(size, memory),
        2 => ConditionalMove<IfEqual>(size, memory),
        3 => ConditionalMove<IfBelowOrEqual>(size, memory),
        4 => ConditionalMove<IfSign>(size, memory),
        5 => ConditionalMove<IfParity>(size, memory),
        6 => ConditionalMove<IfLess>(size, memory),
        _ => ConditionalMove<IfLessOrEqual>(size, memory),
    };

    private static OpFunction ConditionalMove<TCondition>(int size, bool memory)
        where TCondition : struct, ICondition => (size, memory) switch
        {
            (2, false) => &MoveHandlers.Conditional<TCondition, Byte2, FromRegister>,
            (2, true) => &MoveHandlers.Conditional<TCondition, Byte2, FromMemory>,
            (4, false) => &MoveHandlers.Conditional<TCondition, Byte4, FromRegister>,
            (4, true) => &MoveHandlers.Conditional<TCondition, Byte4, FromMemory>,
            (_, false) => &MoveHandlers.Conditional<TCondition, Byte8, FromRegister>,
            (_, true) => &MoveHandlers.Conditional<TCondition, Byte8, FromMemory>,
        };

    public static OpFunction Set(int pair, bool memory) => pair switch
    {
        0 => memory ? &MoveHandlers.SetMemory<IfOverflow> : &MoveHandlers.SetRegister<IfOverflow>,
        1 => memory ? &MoveHandlers.SetMemory<IfBelow> : &MoveHandlers.SetRegister<IfBelow>,
        2 => memory ? &MoveHandlers.SetMemory<IfEqual> : &MoveHandlers.SetRegister<IfEqual>,
        3 => memory ? &MoveHandlers.SetMemory<IfBelowOrEqual> : &MoveHandlers.SetRegister<IfBelowOrEqual>,
        4 => memory ? &MoveHandlers.SetMemory<IfSign> : &MoveHandlers.SetRegister<IfSign>,
        5 => memory ? &MoveHandlers.SetMemory<IfParity> : &MoveHandlers.SetRegister<IfParity>,
        6 => memory ? &MoveHandlers.SetMemory<IfLess> : &MoveHandlers.SetRegister<IfLess>,
        _ => memory ? &MoveHandlers.SetMemory<IfLessOrEqual> : &MoveHandlers.SetRegister<IfLessOrEqual>,
    };

    public static OpFunction Branch(int pair) => pair switch
    {
        0 => &BranchHandlers.Conditional<IfOverflow>,
        1 => &BranchHandlers.Conditional<IfBelow>,
        2 => &BranchHandlers.Conditional<IfEqual>,
        3 => &BranchHandlers.Conditional<IfBelowOrEqual>,
        4 => &BranchHandlers.Conditional<IfSign>,
        5 => &BranchHandlers.Conditional<IfParity>,
        6 => &BranchHandlers.Conditional<IfLess>,
        _ => &BranchHandlers.Conditional<IfLessOrEqual>,
    };

    /// <summary>CMP and Jcc fused; null if this pair of condition and form isn't.</summary>
    public static OpFunction CompareBranch(int pair, int size, OperandForm form) => pair switch
    {
        1 => CompareBranch<IfBelow>(size, form),
        2 => CompareBranch<IfEqual>(size, form),
        3 => CompareBranch<IfBelowOrEqual>(size, form),
        6 => CompareBranch<IfLess>(size, form),
        7 => CompareBranch<IfLessOrEqual>(size, form),
        _ => null,
    };

    private static OpFunction CompareBranch<TCondition>(int size, OperandForm form)
        where TCondition : struct, ICondition => size switch
        {
            1 => CompareBranch<TCondition, Byte1>(form),
            4 => CompareBranch<TCondition, Byte4>(form),
            8 => CompareBranch<TCondition, Byte8>(form),
            _ => null,
        };

    private static OpFunction CompareBranch<TCondition, TSize>(OperandForm form)
        where TCondition : struct, ICondition
        where TSize : struct, ISize => form switch
        {
            OperandForm.RegisterRegister => &BranchHandlers.CompareRegister<TCondition, TSize, FromRegister>,
            OperandForm.RegisterImmediate => &BranchHandlers.CompareRegister<TCondition, TSize, FromImmediate>,
            OperandForm.RegisterMemory => &BranchHandlers.CompareRegister<TCondition, TSize, FromMemory>,
            OperandForm.MemoryRegister => &BranchHandlers.CompareMemory<TCondition, TSize, FromRegister>,
            OperandForm.MemoryImmediate => &BranchHandlers.CompareMemory<TCondition, TSize, FromImmediate>,
            _ => null,
        };

    /// <summary>TEST and Jcc fused, registers and immediates only; null if not.</summary>
    public static OpFunction TestBranch(int pair, int size, OperandForm form) => (pair, size) switch
    {
        (2, 1) => TestBranch<IfEqual, Byte1>(form),
        (2, 4) => TestBranch<IfEqual, Byte4>(form),
        (2, 8) => TestBranch<IfEqual, Byte8>(form),
        (4 or 6, 4) => TestBranch<IfSign, Byte4>(form),
        (4 or 6, 8) => TestBranch<IfSign, Byte8>(form),
        (7, 4) => TestBranch<IfLessOrEqual, Byte4>(form),
        (7, 8) => TestBranch<IfLessOrEqual, Byte8>(form),
        _ => null,
    };

    private static OpFunction TestBranch<TCondition, TSize>(OperandForm form)
        where TCondition : struct, ICondition
        where TSize : struct, ISize => form switch
        {
            OperandForm.RegisterRegister => &BranchHandlers.TestRegister<TCondition, TSize, FromRegister>,
            OperandForm.RegisterImmediate => &BranchHandlers.TestRegister<TCondition, TSize, FromImmediate>,
            _ => null,
        };

    public static OpFunction BitTest<TChange>(int size, OperandForm form)
        where TChange : struct, IBitChange => (size, form) switch
        {
            (2, OperandForm.RegisterRegister) => &BitHandlers.TestRegister<TChange, Byte2, FromRegister>,
            (4, OperandForm.RegisterRegister) => &BitHandlers.TestRegister<TChange, Byte4, FromRegister>,
            (8, OperandForm.RegisterRegister) => &BitHandlers.TestRegister<TChange, Byte8, FromRegister>,
            (2, OperandForm.RegisterImmediate) => &BitHandlers.TestRegister<TChange, Byte2, FromImmediate>,
            (4, OperandForm.RegisterImmediate) => &BitHandlers.TestRegister<TChange, Byte4, FromImmediate>,
            (8, OperandForm.RegisterImmediate) => &BitHandlers.TestRegister<TChange, Byte8, FromImmediate>,
            (2, OperandForm.MemoryRegister) => &BitHandlers.TestMemory<TChange, Byte2, FromRegister>,
            (4, OperandForm.MemoryRegister) => &BitHandlers.TestMemory<TChange, Byte4, FromRegister>,
            (8, OperandForm.MemoryRegister) => &BitHandlers.TestMemory<TChange, Byte8, FromRegister>,
            (2, OperandForm.MemoryImmediate) => &BitHandlers.TestMemory<TChange, Byte2, FromImmediate>,
            (4, OperandForm.MemoryImmediate) => &BitHandlers.TestMemory<TChange, Byte4, FromImmediate>,
            (8, OperandForm.MemoryImmediate) => &BitHandlers.TestMemory<TChange, Byte8, FromImmediate>,
            _ => null,
        };

    /// <summary>Handlers of which there is one per size and source: the kinds of <see cref="SizedKind"/>.</summary>
    public static OpFunction Sized(SizedKind kind, int size, bool memory) => size switch
    {
        1 => Sized<Byte1>(kind, memory),
        2 => Sized<Byte2>(kind, memory),
        4 => Sized<Byte4>(kind, memory),
        _ => Sized<Byte8>(kind, memory),
    };

    private static OpFunction Sized<TSize>(SizedKind kind, bool memory)
        where TSize : struct, ISize => kind switch
        {
            SizedKind.Multiply2 => memory ? &MultiplyHandlers.Signed2<TSize, FromMemory> : &MultiplyHandlers.Signed2<TSize, FromRegister>,
            SizedKind.Multiply3 => memory ? &MultiplyHandlers.Signed3<TSize, FromMemory> : &MultiplyHandlers.Signed3<TSize, FromRegister>,
            SizedKind.UnsignedMultiply => memory ? &MultiplyHandlers.UnsignedWide<TSize, FromMemory> : &MultiplyHandlers.UnsignedWide<TSize, FromRegister>,
            SizedKind.SignedMultiply => memory ? &MultiplyHandlers.SignedWide<TSize, FromMemory> : &MultiplyHandlers.SignedWide<TSize, FromRegister>,
            SizedKind.UnsignedDivide => memory ? &MultiplyHandlers.UnsignedDivide<TSize, FromMemory> : &MultiplyHandlers.UnsignedDivide<TSize, FromRegister>,
            SizedKind.SignedDivide => memory ? &MultiplyHandlers.SignedDivide<TSize, FromMemory> : &MultiplyHandlers.SignedDivide<TSize, FromRegister>,
            SizedKind.Scan => memory ? &BitHandlers.Scan<TSize, FromMemory> : &BitHandlers.Scan<TSize, FromRegister>,
            SizedKind.PopCount => memory ? &BitHandlers.PopCount<TSize, FromMemory> : &BitHandlers.PopCount<TSize, FromRegister>,
            SizedKind.Crc32 => memory ? &BitHandlers.Crc32<TSize, FromMemory> : &BitHandlers.Crc32<TSize, FromRegister>,
            SizedKind.ExchangeAdd => memory ? &ExchangeHandlers.ExchangeAddMemory<TSize> : &ExchangeHandlers.ExchangeAddRegister<TSize>,
            SizedKind.CompareExchange => memory ? &ExchangeHandlers.CompareExchangeMemory<TSize> : &ExchangeHandlers.CompareExchangeRegister<TSize>,
            SizedKind.Exchange => memory ? &MoveHandlers.ExchangeMemory<TSize> : &MoveHandlers.ExchangeRegisters<TSize>,
            SizedKind.Pop => memory ? &StackHandlers.PopMemory<TSize> : &StackHandlers.PopRegister<TSize>,
            SizedKind.Push => memory ? &StackHandlers.Push<TSize, FromMemory> : &StackHandlers.Push<TSize, FromRegister>,
            _ => SizedPlain<TSize>(kind),
        };

    private static OpFunction SizedPlain<TSize>(SizedKind kind)
        where TSize : struct, ISize => kind switch
        {
            SizedKind.PushImmediate => &StackHandlers.Push<TSize, FromImmediate>,
            SizedKind.PushFlags => &StackHandlers.PushFlags<TSize>,
            SizedKind.PopFlags => &StackHandlers.PopFlags<TSize>,
            SizedKind.LeaveFrame => &StackHandlers.LeaveFrame<TSize>,
            SizedKind.Enter => &StackHandlers.Enter<TSize>,
            SizedKind.Lea => &MoveHandlers.Lea<TSize>,
            SizedKind.LeaBase => &MoveHandlers.LeaBase<TSize>,
            SizedKind.ByteSwap => &BitHandlers.ByteSwap<TSize>,
            SizedKind.ReadSegment => &SystemHandlers.ReadSegment<TSize>,
            SizedKind.PushSegment => &SystemHandlers.PushSegment<TSize>,
            SizedKind.PopSegment => &SystemHandlers.PopSegment<TSize>,
            SizedKind.StringMove => &StringHandlers.Move<TSize>,
            SizedKind.StringStore => &StringHandlers.Store<TSize>,
            SizedKind.StringLoad => &StringHandlers.Load<TSize>,
            SizedKind.StringScan => &StringHandlers.Scan<TSize>,
            SizedKind.StringCompare => &StringHandlers.Compare<TSize>,
            SizedKind.ShiftLeftQuiet => &ShiftHandlers.LeftQuiet<TSize>,
            SizedKind.ShiftRightQuiet => &ShiftHandlers.RightQuiet<TSize>,
            _ => null,
        };
}

/// <summary>Families of handlers that differ only by size and source.</summary>
internal enum SizedKind
{
    Multiply2,
    Multiply3,
    UnsignedMultiply,
    SignedMultiply,
    UnsignedDivide,
    SignedDivide,
    Scan,
    PopCount,
    Crc32,
    ExchangeAdd,
    CompareExchange,
    Exchange,
    Pop,
    Push,
    PushImmediate,
    PushFlags,
    PopFlags,
    LeaveFrame,
    Enter,
    Lea,
    LeaBase,
    ByteSwap,
    ReadSegment,
    PushSegment,
    PopSegment,
    StringMove,
    StringStore,
    StringLoad,
    StringScan,
    StringCompare,
    ShiftLeftQuiet,
    ShiftRightQuiet,
}
