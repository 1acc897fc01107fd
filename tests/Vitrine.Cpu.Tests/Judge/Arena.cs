using Vitrine.Abi;

namespace Vitrine.Cpu.Tests.Judge;

/// <summary>What may be done to a page of the arena.</summary>
[Flags]
internal enum Protection : uint
{
    Read = 1,
    Write = 2,
    Execute = 4,
}

/// <summary>One page of the arena at the address where both sides map it.</summary>
internal readonly record struct ArenaPage(ulong Address, uint Index, Protection Protection);

/// <summary>
/// The small piece of address space that instances live in: the same on the host's processor and in the
/// interpreter. Everything around it is unmapped. Pages that are neighbours in the address space have
/// neighbouring indices.
/// </summary>
/// <remarks>
/// Data: writable, writable, hole, writable, read-only, writable, hole, read-only. Code: two pages of INT3, hole.
/// All below 2 GiB, so that every addressing form can reach it.
/// </remarks>
internal static class Arena
{
    public const ulong Data = 0x1000_0000;
    public const ulong Code = 0x2000_0000;
    public const ulong CodeEnd = Code + (2 * Page.Size);
    public const int PageCount = 8;
    public const byte Filler = 0xCC;

    /// <summary>The start of the hole behind the first two writable pages.</summary>
    public const ulong FirstHole = Data + 0x2000;

    public const ulong SecondWritable = Data + 0x3000;
    public const ulong ReadOnly = Data + 0x4000;
    public const ulong ThirdWritable = Data + 0x5000;
    public const ulong SecondHole = Data + 0x6000;
    public const ulong SecondReadOnly = Data + 0x7000;

    private const Protection ReadWrite = Protection.Read | Protection.Write;

    public static readonly ArenaPage[] Pages =
    [
        new(Data, 0, ReadWrite),
        new(Data + 0x1000, 1, ReadWrite),
        new(SecondWritable, 2, ReadWrite),
        new(ReadOnly, 3, Protection.Read),
        new(ThirdWritable, 4, ReadWrite),
        new(SecondReadOnly, 5, Protection.Read),
        new(Code, 6, Protection.Read | Protection.Execute),
        new(Code + Page.Size, 7, Protection.Read | Protection.Execute),
    ];

    /// <summary>The arena's content when no instance has patched it: a fixed pattern in data, INT3 in code.</summary>
    public static byte[] PristineContent()
    {
        var content = new byte[PageCount * (int)Page.Size];
        var chance = new Chance(0x5eed);
        for (int i = 0; i < content.Length; i++)
            content[i] = i < 6 * (int)Page.Size ? (byte)chance.Next() : Filler;
        return content;
    }

    /// <summary>The offset into the arena's content of an address, or -1 where nothing is mapped.</summary>
    public static int OffsetOf(ulong address)
    {
        foreach (ArenaPage page in Pages)
        {
            if (address - page.Address < Page.Size)
                return (int)((page.Index * Page.Size) + (address - page.Address));
        }

        return -1;
    }
}
