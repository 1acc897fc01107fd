namespace Vitrine.Cpu.Execution;

/// <summary>
/// The segment descriptors that user mode can load or inspect, as Linux's GDT has them: 32-bit code (0x23), data
/// (0x2b), 64-bit code (0x33), and the segment whose limit tells the processor's number (0x7b).
/// </summary>
internal static class Descriptors
{
    public const ulong UserCode = 0x33;
    public const ulong UserData = 0x2b;

    /// <summary>The upper half of a selector's descriptor, 0 if there is none for user mode.</summary>
    public static uint High(ulong selector) => (selector >> 2) switch
    {
        0x20 >> 2 => 0x00cffb00,
        0x28 >> 2 => 0x00cff300,
        0x30 >> 2 => 0x00affb00,
        0x78 >> 2 => 0x0000f500,
        _ => 0,
    };

    public static bool IsWritable(uint high) => (high & 0xa00) == 0x200;

    public static ulong Limit(ulong selector, uint processor) => selector >> 2 == 0x78 >> 2 ? processor : 0xffffffff;
}
