namespace Vitrine.Cpu.Translator;

/// <summary>
/// What the arithmetic flags follow from while machine code runs. The lower 16 bits of the word in the state are 4 times a value
/// of this plus the operand size's logarithm, the upper 16 bits likewise an <see cref="FlagOverlay"/>. Zero: the flags are
/// in <c>FlagResult</c> and <c>FlagAux</c>, as the interpreter has them.
/// </summary>
internal enum FlagKind
{
    Materialised = 0,

    /// <summary>FlagA + FlagB.</summary>
    Add = 1,

    /// <summary>FlagA - FlagB.</summary>
    Subtract = 2,

    /// <summary>A logical operation with the result FlagA.</summary>
    Logic = 3,

    /// <summary>FlagA + FlagB + carry = FlagR.</summary>
    AddCarry = 4,

    /// <summary>FlagA - FlagB - carry = FlagR.</summary>
    SubtractBorrow = 5,

    /// <summary>FlagA shifted by FlagB.</summary>
    ShiftLeft = 6,
    ShiftRight = 7,
    ShiftArithmeticRight = 8,

    /// <summary>A product whose low half is FlagA; FlagB (a byte) is CF and OF.</summary>
    Multiply = 9,

    /// <summary>FlagA is what the addition of FlagB gave.</summary>
    AddResult = 11,

    /// <summary>FlagA is what the subtraction of FlagB left.</summary>
    SubtractResult = 12,

    /// <summary>A result FlagA with the carry FlagB (a byte); OF and AF are clear.</summary>
    Result = 13,

    /// <summary>CF, PF and ZF are the first three bytes of FlagB, the others clear.</summary>
    Bytes = 10,

    /// <summary>FlagB's second byte is SF ZF AF PF CF as LAHF gives them, its first one OF.</summary>
    Image = 14,
}

/// <summary>What has changed some of the flags since: its result is in <c>FlagOverlay</c>.</summary>
internal enum FlagOverlay
{
    None = 0,

    // INC and DEC leave CF.
    Increment = 1,
    Decrement = 2,

    // The others change CF, and rotations OF.
    RotateLeft = 0x2000,
    RotateRight = 0x2001,

    /// <summary>CF is the byte in FlagOverlay.</summary>
    Carry = 0x2002,
}
